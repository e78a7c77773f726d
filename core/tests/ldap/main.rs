//! Names and passwords by a real LDAP server, Debian's `slapd`, which the tests start.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod slapd;

use std::time::Duration;

use countersign::{
    Answer, Secret, Verified, Verify,
    credential::BasicCredential,
    verifier::ldap::{LdapLogin, LdapLoginBuilder},
};

use self::slapd::{BASE, Slapd};

type Login = LdapLogin<String>;

fn build(builder: LdapLoginBuilder) -> Login {
    let user = |user: &countersign::verifier::ldap::LdapUser| {
        Some(Verified::new(user.dn().to_owned()).with_subject(user.name()).with_roles(user.groups()))
    };
    builder.principal_by(user).unwrap()
}

fn searching(builder: LdapLoginBuilder) -> LdapLoginBuilder {
    let builder = builder.reading_as(&format!("cn=reader,{BASE}"), Secret::new("the reader's password"));
    builder.searching(&format!("ou=users,{BASE}"), "uid").with_groups_below(&format!("ou=groups,{BASE}"))
}

/// Who it is and with which roles, or what is said instead.
async fn says(login: &Login, name: &str, password: &str) -> String {
    match login.verify(BasicCredential::new(name, Secret::new(password))).await {
        Answer::Verified(verified) => {
            let mut roles: Vec<&str> = verified.roles().iter().map(AsRef::as_ref).collect();
            roles.sort_unstable();
            format!("{} {}", verified.subject().unwrap(), roles.join(","))
        }
        Answer::Refused => "no".to_owned(),
        _ => "no answer".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_searched_for_and_its_entry_binds() {
    let slapd = Slapd::start();
    let over_tls = searching(LdapLogin::at(&slapd.secure()).trusting_only(&slapd.roots()));
    let by_start_tls = searching(LdapLogin::at(&slapd.plain()).trusting_only(&slapd.roots()));
    let in_the_clear = searching(LdapLogin::at(&slapd.plain()).in_the_clear());
    for builder in [over_tls, by_start_tls, in_the_clear] {
        let login = build(builder);
        for (name, password, said) in [
            ("emma", "p\u{e4}ssw\u{f6}rd-emma", "emma admin,member"),
            // As the entry writes it: a name in another case is nobody else.
            ("EMMA", "p\u{e4}ssw\u{f6}rd-emma", "emma admin,member"),
            ("emma", "p\u{e4}ssw\u{f6}rd", "no"),
            ("emma", "", "no"),
            ("", "p\u{e4}ssw\u{f6}rd-emma", "no"),
            ("nobody", "p\u{e4}ssw\u{f6}rd-emma", "no"),
            ("nobody", "", "no"),
            // What would be a filter, or a part of one, is a name like any other.
            ("*", "p\u{e4}ssw\u{f6}rd-emma", "no"),
            ("em*", "p\u{e4}ssw\u{f6}rd-emma", "no"),
            ("emma)(uid=*", "p\u{e4}ssw\u{f6}rd-emma", "no"),
            ("o*d)(n\\me", "odd", "o*d)(n\\me "),
            // Two entries have it.
            ("twin", "twin", "no"),
            // It has no password.
            ("plain", "plain", "no"),
        ] {
            assert_eq!(says(&login, name, password).await, said, "{name} {password}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_put_in_its_place_and_a_referral_is_no_answer() {
    let slapd = Slapd::start();
    let pattern = format!("uid={{}},ou=users,{BASE}");
    let login = build(LdapLogin::at(&slapd.secure()).trusting_only(&slapd.roots()).for_names_as(&pattern));
    for (name, password, said) in [
        ("emma", "p\u{e4}ssw\u{f6}rd-emma", "emma "),
        ("emma", "wrong", "no"),
        ("emma", "", "no"),
        ("nobody", "p\u{e4}ssw\u{f6}rd-emma", "no"),
        ("emma,ou=users", "p\u{e4}ssw\u{f6}rd-emma", "no"),
        ("emma+cn=x", "p\u{e4}ssw\u{f6}rd-emma", "no"),
        ("gone", "gone", "no"),
    ] {
        assert_eq!(says(&login, name, password).await, said, "{name} {password}");
    }
    // What is not below the server's own root another server would know.
    let good = || LdapLogin::at(&slapd.secure()).trusting_only(&slapd.roots());
    for (elsewhere, said) in [
        // Before a password is right, OpenLDAP says that it is wrong.
        (good().for_names_as("uid={},dc=other"), "no"),
        (searching(good()).searching("dc=other", "uid"), "no answer"),
    ] {
        assert_eq!(says(&build(elsewhere), "emma", "p\u{e4}ssw\u{f6}rd-emma").await, said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_no_answer_and_ends_by_itself() {
    let mut slapd = Slapd::start();
    let stranger = Slapd::authority();
    let good = || LdapLogin::at(&slapd.secure()).trusting_only(&slapd.roots());
    let login = build(searching(good()));
    let password = "p\u{e4}ssw\u{f6}rd-emma";
    let another_root = build(searching(LdapLogin::at(&slapd.secure()).trusting_only(&stranger)));
    let reader = format!("cn=reader,{BASE}");
    let wrong_reader = build(searching(good()).reading_as(&reader, Secret::new("wrong")));
    let no_base = build(searching(good()).searching(&format!("ou=nowhere,{BASE}"), "uid"));
    let another_name = slapd.secure().replace("127.0.0.1", "localhost");
    let another_name = build(searching(LdapLogin::at(&another_name).trusting_only(&slapd.roots())));
    for broken in [&another_root, &wrong_reader, &no_base, &another_name] {
        assert_eq!(says(broken, "emma", password).await, "no answer");
    }
    assert_eq!(says(&login, "emma", password).await, "emma admin,member");
    slapd.stop();
    assert_eq!(says(&login, "emma", password).await, "no answer");
    slapd.restart();
    assert_eq!(says(&login, "emma", password).await, "emma admin,member", "without a restart of ours");
    assert_eq!(says(&login, "emma", "wrong").await, "no");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_keeps_nobody_waiting_for_ever() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ldap://{}", listener.local_addr().unwrap());
    let login = build(searching(LdapLogin::at(&address).in_the_clear()));
    let asked = says(&login, "emma", "password");
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap(), "no answer");
}
