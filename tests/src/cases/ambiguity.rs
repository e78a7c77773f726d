//! Two credentials, or one twice: nobody may choose between them.

use crate::{
    credentials::basic,
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::Lab,
    wire::Request,
};

pub(crate) fn authorization_twice_is_refused_h2(lab: &Lab) {
    for (one, other) in [
        ("Bearer emily-reads", "Bearer emily-reads"),
        ("Bearer emily-reads", "Bearer emma-reads"),
        ("Bearer emily-reads", "Bearer nonsense"),
        ("Bearer nonsense", "Bearer emily-reads"),
        ("Bearer emily-reads", "Basic nonsense"),
        ("Token emily-reads", "Bearer emily-reads"),
    ] {
        for route in ["/me", "/enforced"] {
            lab.ask(Request::get(route).with("Authorization", one).with("Authorization", other))
                .refused(&Refusal::ambiguous())
                .without_verifying();
        }
    }
}

pub(crate) fn authorization_twice_in_two_spellings_is_refused_h2(lab: &Lab) {
    lab.ask(
        Request::get("/me")
            .with("authorization", "Bearer emily-reads")
            .with("Accept", "*/*")
            .with("AUTHORIZATION", "Bearer emily-reads"),
    )
    .refused(&Refusal::ambiguous());
}

pub(crate) fn authorization_twice_of_an_unknown_scheme_is_refused_h2(lab: &Lab) {
    for (one, other) in [
        ("Mutual a", "Mutual b"),
        ("Mutual a", "Bearer emily-reads"),
        ("Bearer emily-reads", "Mutual a"),
        ("", "Bearer emily-reads"),
        ("Bearer emily-reads", ""),
        ("", ""),
    ] {
        lab.ask(Request::get("/me").with("Authorization", one).with("Authorization", other))
            .refused(&Refusal::ambiguous())
            .without_verifying();
    }
}

pub(crate) fn authorization_twice_is_refused_where_no_bearer_is_taken_h2(lab: &Lab) {
    for route in ["/only-basic", "/only-key"] {
        lab.ask(
            Request::get(route)
                .with("Authorization", basic("emily", "emily:s3cret"))
                .with("Authorization", "Token emily-reads"),
        )
        .refused(&Refusal::ambiguous_without_bearer())
        .without_verifying();
    }
}

pub(crate) fn a_key_twice_is_refused(lab: &Lab) {
    for (one, other) in [("emily-reads", "emily-reads"), ("emily-reads", "nonsense"), ("", "emily-reads")] {
        lab.ask(Request::get("/me").with("X-API-Key", one).with("x-api-key", other))
            .refused(&Refusal::ambiguous())
            .without_verifying();
        lab.ask(Request::get("/only-key").with("X-API-Key", one).with("x-api-key", other))
            .refused(&Refusal::ambiguous_without_bearer())
            .without_verifying();
    }
}

pub(crate) fn a_key_in_both_its_places_is_refused(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", "Token emily-reads").with("X-API-Key", "emily-reads"))
        .refused(&Refusal::ambiguous())
        .without_verifying();
}

pub(crate) fn two_kinds_are_refused_in_whatever_order(lab: &Lab) {
    let bearer = ("Authorization", "Bearer emily-reads".to_owned());
    let password = ("Authorization", basic("emily", "emily:s3cret"));
    let key = ("X-API-Key", "emily-reads".to_owned());
    for (one, other) in [(&bearer, &key), (&key, &bearer), (&password, &key), (&key, &password)] {
        for route in ["/me", "/enforced", "/admin"] {
            lab.ask(Request::get(route).with(one.0, &one.1).with(other.0, &other.1))
                .refused(&Refusal::ambiguous())
                .without_verifying();
        }
    }
}

pub(crate) fn two_kinds_are_refused_though_one_is_wrong(lab: &Lab) {
    for (bearer, key) in [("nonsense", "emily-reads"), ("emily-reads", "nonsense"), ("", "emily-reads")] {
        lab.ask(Request::get("/me").with("Authorization", format!("Bearer {bearer}")).with("X-API-Key", key))
            .refused(&Refusal::ambiguous())
            .without_verifying();
    }
}

pub(crate) fn a_kind_that_the_route_does_not_take_makes_no_ambiguity(lab: &Lab) {
    lab.ask(
        Request::get("/only-basic")
            .with("Authorization", basic("emily", "emily:s3cret"))
            .with("X-API-Key", "nonsense")
            .with("X-API-Key", "nonsense"),
    )
    .admitted("this is /only-basic")
    .verifying(&["basic"]);
    lab.ask(Request::get("/only-key").with("Authorization", "Bearer nonsense").with("X-API-Key", "emily-reads"))
        .admitted("this is /only-key")
        .verifying(&["api-key"]);
}

pub(crate) fn a_visitor_with_two_credentials_is_refused(lab: &Lab) {
    for route in ["/visitor", "/anonymous"] {
        lab.ask(Request::get(route).with("Authorization", "Bearer emily-reads").with("X-API-Key", "emily-reads"))
            .refused(&Refusal::ambiguous());
        lab.ask(Request::get(route).with("Authorization", "Mutual a").with("Authorization", "Mutual a"))
            .refused(&Refusal::ambiguous());
    }
}

pub(crate) fn two_credentials_are_refused_before_either_is_verified(lab: &Lab) {
    for (bearer, key) in [("outage", "outage"), ("panic", "emily-reads"), ("slow-no", "slow-outage")] {
        lab.ask(Request::get("/me").with("Authorization", format!("Bearer {bearer}")).with("X-API-Key", key))
            .refused(&Refusal::ambiguous())
            .without_verifying();
    }
}

pub(crate) fn authorization_twice_not_utf_8_is_refused(lab: &Lab) {
    let twice = Request::get("/me").with("Authorization", b"Bearer \xff").with("Authorization", b"Bearer \xfe");
    let once_more =
        Request::get("/me").with("Authorization", b"Bearer \xff").with("Authorization", "Bearer emily-reads");
    if lab.meets(Quirk::DropsFieldsThatAreNotUtf8) {
        lab.ask(twice).refused(&Refusal::unasked(&ALL));
        lab.ask(once_more).admitted("emily by bearer; scopes reports:read; roles member; ends never");
    } else {
        lab.ask(twice).refused(&Refusal::ambiguous());
        lab.ask(once_more).refused(&Refusal::ambiguous());
    }
}
