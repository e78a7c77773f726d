use super::*;
use crate::{adapter::Verdict, principal::Verified, store::MemorySessions, testing::PlainHead};

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

fn tokens() -> TwoTokens<String> {
    TwoTokens::below("/", Arc::new(MemorySessions::default()), Arc::new(Everybody))
}

async fn cookies(tokens: &TwoTokens<String>, subject: &str) -> [String; 2] {
    let reply = tokens.begin(Some(subject)).await.unwrap();
    let cookies: Vec<_> = reply.fields().map(|(_, value)| value.split(';').next().unwrap().to_owned()).collect();
    cookies.try_into().unwrap()
}

/// The status, or who it is and whether they may act.
async fn admit(gate: &Gate<String>, cookies: &[&str], tls: bool) -> Result<(String, bool), u16> {
    let head = PlainHead::get("/").with("cookie", cookies.join("; "));
    let head = if tls { head.over_tls() } else { head };
    match head.received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(grant) => Ok((grant.principal().clone(), grant.scopes().contains(ACT))),
        Verdict::Rejected(rejection) => Err(rejection.status()),
        Verdict::Anonymous => panic!("anonymous"),
    }
}

#[tokio::test]
async fn either_says_who_it_is_and_the_secure_one_acts() {
    let tokens = tokens();
    let [secure, identity] = cookies(&tokens, "emma").await;
    let [other_secure, other_identity] = cookies(&tokens, "emily").await;
    let either = Gate::in_realm("r").accept(tokens.either(), tokens.clone()).build().unwrap();
    let acts = Gate::in_realm("r").accept(tokens.secure(), tokens.clone()).build().unwrap();
    let emma = |acting| Ok(("emma".to_owned(), acting));
    let swapped = secure.replace("__Host-secure=", "identity=");
    type Row<'r> = (&'r Gate<String>, &'r [&'r str], bool, Result<(String, bool), u16>);
    let rows: [Row<'_>; 12] = [
        (&either, &[&identity], false, emma(false)),
        (&either, &[&identity], true, emma(false)),
        (&either, &[&secure], true, emma(true)),
        (&either, &[&secure, &identity], true, emma(true)),
        (&either, &[&identity, &secure], true, emma(true)),
        (&either, &[&secure, &other_identity], true, Err(401)),
        (&either, &[&secure, "identity=wrong"], true, Err(401)),
        (&either, &[&identity, "__Host-secure="], true, Err(401)),
        (&either, &[&swapped], true, Err(401)),
        (&either, &[&identity, &identity], true, Err(400)),
        (&acts, &[&identity], true, Err(401)),
        (&acts, &[&secure, &other_identity], true, emma(true)),
    ];
    for (nth, (gate, cookies, tls, expected)) in rows.into_iter().enumerate() {
        assert_eq!(admit(gate, cookies, tls).await, expected, "{nth}");
    }
    assert!(admit(&acts, &[&other_secure], true).await.is_ok());
}

#[tokio::test]
async fn a_secure_token_that_was_seen_in_the_clear_is_void_and_the_other_is_not() {
    for by_either in [true, false] {
        let tokens = tokens();
        let [secure, identity] = cookies(&tokens, "emma").await;
        let either = Gate::in_realm("r").accept(tokens.either(), tokens.clone()).build().unwrap();
        let acts = Gate::in_realm("r").accept(tokens.secure(), tokens.clone()).build().unwrap();
        assert!(admit(&acts, &[&secure], true).await.is_ok());
        let seen = match by_either {
            true => admit(&either, &[&secure, &identity], false).await,
            false => admit(&acts, &[&secure], false).await,
        };
        assert_eq!(seen, Err(403));
        assert_eq!(admit(&acts, &[&secure], true).await, Err(401));
        assert_eq!(admit(&either, &[&secure, &identity], true).await, Err(401));
        assert!(admit(&either, &[&identity], false).await.is_ok());
    }
}
