//! Stored hashes that are none, or that something was left behind.

use std::{env, fs, path::PathBuf};

use people_tests::{FRAMEWORKS, Service};
use sqlx::{Connection, Executor, SqliteConnection};

use super::*;

/// What stands in the column of a user, in SQL; `password` is emily's. And whether her password opens it.
const HASHES: [(&str, &str, bool); 20] = [
    ("locked", "'!'", false),
    ("locked-twice", "'!!'", false),
    ("locked-for-now", "'!abc'", false),
    ("locked-with-its-hash", "'!' || password", false),
    ("starred", "'*'", false),
    ("starred-with-more", "'*LK*'", false),
    ("empty", "''", false),
    ("blank", "'  '", false),
    ("line-end-alone", "char(10)", false),
    ("nul-alone", "char(0)", false),
    ("no-hash", "'x'", false),
    ("damaged", "substr(password, 1, length(password) - 4) || '....'", false),
    ("of-no-kind", "'$9$abc$def'", false),
    ("line-end", "password || char(10)", true),
    ("line-end-of-windows", "password || char(13) || char(10)", true),
    ("padded", "password || '      '", true),
    ("padded-in-front", "' ' || password", true),
    ("tab", "password || char(9)", true),
    ("nul", "password || char(0)", true),
    ("nuls", "password || char(0) || char(0) || char(0)", true),
];

/// A file of this test's own, gone when it is dropped.
struct File(PathBuf);

impl File {
    fn of(framework: &str) -> Self {
        Self(env::temp_dir().join(format!("people-hashes-{framework}-{}.db", std::process::id())))
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    /// Adds the users, as another program of the operator's would.
    fn add_users(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut database = SqliteConnection::connect(&self.url()).await.unwrap();
            for (name, hash, _) in HASHES {
                let insert = format!(
                    "INSERT INTO users (name, password, roles) SELECT 'user-{name}', {hash}, roles FROM users WHERE name = 'emily'"
                );
                database.execute(sqlx::AssertSqlSafe(insert)).await.unwrap();
            }
            database.close().await.unwrap();
        });
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for behind in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{behind}", self.0.display()));
        }
    }
}

/// All of an answer but when it was given.
fn all_of(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let fields = response.all_fields().filter(|(name, _)| name != "date");
    let mut fields: Vec<_> = fields.map(|(name, value)| (name, value.to_owned())).collect();
    fields.sort();
    (response.status(), fields, response.text())
}

#[test]
fn a_stored_hash_that_is_none_is_answered_like_an_unknown_name() {
    const PASSWORD: &str = "emily:s3cret";
    for framework in FRAMEWORKS {
        let file = File::of(framework);
        // Each name from an address of its own, so that nobody's tries are anybody else's.
        let service = Service::start(framework, &["--database", &file.url(), "--trust-proxy", "127.0.0.1"]);
        let mut talk = Talk::with(service);
        file.add_users();
        let ask = |talk: &mut Talk, address: usize, name: &str, password: &str| {
            let body = serde_json::json!({ "username": name, "password": password }).to_string();
            let form = format!("username={name}&password={}", password.replace(':', "%3A"));
            [
                get_as("/me", &basic(name, password)),
                Request::post("/session").with_json(&body),
                Request::post("/session")
                    .with("Accept", "text/html")
                    .with_body("application/x-www-form-urlencoded", &form),
            ]
            .map(|request| {
                let request = request.with("X-Forwarded-For", format!("192.0.2.{address}"));
                let (status, fields, text) = all_of(&talk.ask_unrecorded(name, &request));
                // The page keeps the name that was entered.
                (status, fields, text.replace(name, "…"))
            })
        };
        for (nth, (name, hash, opens)) in HASHES.into_iter().enumerate() {
            let name = format!("user-{name}");
            // As long, because the page's length tells the name's.
            let unknown = "u".repeat(name.len());
            let of_nobody = ask(&mut talk, 100 + nth, &unknown, "wrong");
            assert_eq!(of_nobody.each_ref().map(|(status, _, _)| *status), [401; 3]);
            assert_eq!(ask(&mut talk, nth, &name, "wrong"), of_nobody, "{framework}: {hash}");
            let right = ask(&mut talk, 50 + nth, &name, PASSWORD);
            if opens {
                assert_eq!(right.map(|(status, _, _)| status), [200, 204, 303], "{framework}: {hash}");
            } else {
                assert_eq!(right, of_nobody, "{framework}: {hash}");
            }
        }
        // Who has no password is counted as nobody is, too.
        for name in ["nobody", "user-locked", "user-locked-for-now", "user-starred", "user-empty"] {
            let statuses: Vec<u16> =
                (0..2).flat_map(|_| ask(&mut talk, 250, name, PASSWORD)).map(|(status, _, _)| status).collect();
            assert_eq!(statuses, [401, 401, 401, 401, 401, 429], "{framework}: {name}");
        }
    }
}
