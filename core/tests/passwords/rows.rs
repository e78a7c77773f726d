//! A look at all rows of a store.

use super::*;

/// Rows in the order of their names.
#[derive(Debug)]
struct Rows {
    rows: Vec<(String, String)>,
    pages: AtomicUsize,
    /// Whether it lists on from the name that it is given.
    goes_on: bool,
    fails_at: Option<usize>,
}

#[async_trait]
impl PasswordStore for Rows {
    type Principal = ();

    async fn find(&self, _: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        Ok(None)
    }

    async fn hashes(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredHash>, Unavailable> {
        if self.fails_at == Some(self.pages.fetch_add(1, Ordering::Relaxed)) {
            return Err(Unavailable::because("the rows are away"));
        }
        let listed = |name: &str| after.is_none_or(|after| !self.goes_on || name > after);
        let rows = self.rows.iter().filter(|(name, _)| listed(name)).take(most);
        Ok(rows.map(|(name, hash)| StoredHash::new(name.as_str(), hash.as_str())).collect())
    }
}

fn rows(hashes: impl IntoIterator<Item = String>) -> Rows {
    let rows = hashes.into_iter().enumerate().map(|(number, hash)| (format!("{number:06}"), hash)).collect();
    Rows { rows, pages: AtomicUsize::new(0), goes_on: true, fails_at: None }
}

#[tokio::test]
async fn a_look_at_all_rows_lists_those_that_cannot_be_verified() {
    let good = hashed(weak(), "s3cret");
    let hashes = UNREADABLE.iter().map(|(hash, _)| *hash).chain(WITHOUT).chain([good.as_str()]).map(str::to_owned);
    let report = Passwords::in_store(rows(hashes)).check().await.unwrap();
    assert_eq!((report.listed(), report.unreadable(), report.without_password()), (15, 6, 8));
    let told: Vec<_> = report.rows().iter().map(|row| (row.name(), row.why())).collect();
    let expected = ["000000", "000001", "000002", "000003", "000004", "000005"];
    assert_eq!(told, expected.into_iter().zip(UNREADABLE.map(|(_, why)| why)).collect::<Vec<_>>());

    // By the limits that are set, not by the default ones.
    let costly = || rows([hashed(PasswordCost::new(128, 2, 1).unwrap(), "s3cret")]);
    let strict = Passwords::in_store(costly()).limits(HashLimits::default().passes(1));
    assert_eq!(strict.check().await.unwrap().rows()[0].why(), HashFault::TooCostly);
    assert_eq!(Passwords::in_store(costly()).check().await.unwrap().unreadable(), 0);
}

#[tokio::test]
async fn rows_are_read_by_pages_to_the_last_one() {
    for (number, pages) in [(0, 1), (1, 2), (999, 2), (1000, 2), (1001, 3), (2500, 4)] {
        let store = Arc::new(rows((0..number).map(|_| "null".to_owned())));
        let report = Passwords::in_store(Shelved(store.clone())).check().await.unwrap();
        assert_eq!((report.listed(), report.unreadable()), (number, number));
        assert_eq!(store.pages.load(Ordering::Relaxed), pages, "{number}");
        assert_eq!(report.rows().len() as u64, number.min(1000), "the first thousand have a name");
    }
}

#[tokio::test]
async fn a_store_that_cannot_list_is_no_store_without_faults() {
    let two = || (0..2).map(|_| "null".to_owned());
    let round = Passwords::in_store(Rows { goes_on: false, ..rows(two()) });
    assert!(round.check().await.unwrap_err().to_string().contains("list on"));
    let away = Passwords::in_store(Rows { fails_at: Some(1), ..rows(two()) });
    assert_eq!(away.check().await.unwrap_err().to_string(), "the rows are away");
    let (silent, _) = passwords(Shelf::with("null"));
    assert_eq!(silent.check().await.unwrap().listed(), 0, "without a list nothing was looked at");
}

/// Rows that are looked at from outside, too.
#[derive(Debug)]
struct Shelved(Arc<Rows>);

#[async_trait]
impl PasswordStore for Shelved {
    type Principal = ();

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        self.0.find(name).await
    }

    async fn hashes(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredHash>, Unavailable> {
        self.0.hashes(after, most).await
    }
}
