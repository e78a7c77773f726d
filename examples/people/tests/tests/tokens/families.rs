//! How many families of tokens there are, and on which copies.

use super::*;

#[test]
fn one_user_holds_twenty_families_and_the_oldest_makes_way() {
    everywhere(|talk| {
        let emmas = issue(talk, &emma());
        let mut pairs: Vec<Pair> = (0..20).map(|_| issue(talk, &emily())).collect();
        // Use makes none younger.
        pairs[0] = refresh(talk, &pairs[0].refresh);
        for pair in &mut pairs {
            *pair = refresh(talk, &pair.refresh);
        }
        pairs.push(issue(talk, &emily()));
        is_no_grant(talk, &pairs[0].refresh);
        for pair in &mut pairs[1..] {
            *pair = refresh(talk, &pair.refresh);
        }
        // Who gave one back makes room.
        talk.expect(204, &pairs[5].give_back());
        issue(talk, &emily());
        refresh(talk, &pairs[1].refresh);
        refresh(talk, &emmas.refresh);
    });
}

#[test]
fn families_that_are_begun_at_once_are_counted_exactly() {
    let postgres = Postgres::start();
    let folder = Folder::of("begun-at-once");
    for database in [format!("sqlite:{}", folder.database("people.db")), postgres.url()] {
        let mut talk = Talk::with(Service::start("axum", &["--database", &database]));
        let (address, request) = (talk.service().address(), with(Request::post("/tokens"), &emily()));
        let asking: Vec<_> = (0..40)
            .map(|_| {
                let request = request.clone();
                thread::spawn(move || {
                    let mut connection = Connection::open(address).unwrap();
                    connection.say(&request.bytes());
                    connection.answer(&request).unwrap()
                })
            })
            .collect();
        let pairs: Vec<Pair> = asking.into_iter().map(|asking| Pair::of(&asking.join().unwrap())).collect();
        let good = pairs.iter().filter(|pair| talk.ask("anew", &refreshing(&pair.refresh)).status() == 200).count();
        assert_eq!(good, 20, "{database}");
    }
}

#[test]
fn copies_on_one_database_share_what_is_spent_and_void() {
    let postgres = Postgres::start();
    let folder = Folder::of("copies");
    let (secrets, signing) = (folder.file("secrets", SECRET), folder.signing_key());
    for database in [format!("sqlite:{}", folder.database("people.db")), postgres.url()] {
        let flags = ["--database", &database, "--secret-file", &secrets, "--signing-key", &signing];
        // What a copy remembers is told to others by a bus; these ask each time.
        let uncached = [&flags[..], &["--cache-ttl", "0"]].concat();
        let mut talks = FRAMEWORKS.map(|framework| Talk::with(Service::start(framework, &uncached)));
        for turn in 0..3 {
            talks.rotate_left(turn);
            let [one, other, third] = &mut talks;
            let first = issue(one, &emily());
            other.expect(200, &me(&first.access));
            let next = refresh(other, &first.refresh);
            third.expect(200, &me(&next.access));
            is_no_grant(third, &first.refresh);
            for talk in [one, other, third] {
                is_void(talk, &next.access);
                is_no_grant(talk, &next.refresh);
            }
            let [one, other, third] = &mut talks;
            let pair = issue(one, &emily());
            other.expect(204, &pair.give_back());
            is_void(third, &pair.access);
            is_no_grant(one, &pair.refresh);

            let (pair, session) = (issue(one, &emily()), one.session("emily", "emily:s3cret"));
            other.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &jacob()));
            for talk in [one, other, third] {
                is_void(talk, &pair.access);
                talk.expect(401, &Request::get("/me").with("Cookie", &session));
            }
            // A copy that hears of it a moment later refuses whom it let in meanwhile.
            thread::sleep(Duration::from_secs(1));
            let [one, other, _] = &mut talks;
            let again = issue(one, &emily());
            other.expect(200, &me(&again.access));
            refresh(other, &again.refresh);
        }
    }
}
