//! Whether a known caller may.

use super::*;

#[test]
fn policies_judge_each_time() {
    let rows: [(Gate<Person>, Result<(), Reason>); 9] = [
        (gate().require(scope("reports:read")), Ok(())),
        (gate().require(scope("reports:write")), Err(Reason::MissingScope)),
        (gate().require(role("member")), Ok(())),
        (gate().require(role("admin")), Err(Reason::Forbidden)),
        (gate().require(any_of((role("admin"), scope("reports:read")))), Ok(())),
        (gate().require(all_of((role("member"), scope("reports:write")))), Err(Reason::MissingScope)),
        (gate().require(role("admin")).require(scope("reports:read")), Err(Reason::Forbidden)),
        (gate().require(permits(|grant, _| **grant == "emma")), Err(Reason::Forbidden)),
        (gate().require(subject_is("name")), Err(Reason::Misconfigured)),
    ];
    for (gate, expected) in rows {
        let seen = match decided(&gate, with(&[("authorization", "Bearer emily-token")])) {
            Verdict::Admitted(_) => Ok(()),
            Verdict::Rejected(rejection) => Err(rejection.reason()),
            Verdict::Anonymous => panic!("anonymous"),
        };
        assert_eq!(seen, expected);
    }
    for (name, admitted) in [("emily", true), ("Emily", false), ("emma", false), ("", false)] {
        let head = with(&[("authorization", "Bearer emily-token")]).with_parameter("name", name);
        let seen = matches!(decided(&gate().require(subject_is("name")), head), Verdict::Admitted(_));
        assert_eq!(seen, admitted, "{name}");
    }
}

#[test]
fn demands_are_policies_as_types() {
    let bearer = || with(&[("authorization", "Bearer emily-token")]);
    let key = || with(&[("x-api-key", "emily-token")]);
    let by_password = gate().only(["basic"]).unwrap();
    assert_eq!(demanded::<WritesReports>(&gate(), bearer()), Err(Reason::MissingScope));
    assert_eq!(demanded::<ByKey>(&gate(), bearer()), Err(Reason::NoCredential));
    assert_eq!(demanded::<Misspelt>(&gate(), key()), Err(Reason::Misconfigured));
    assert_eq!(demanded::<ByKey>(&by_password, key()), Err(Reason::Misconfigured));
    assert_eq!(demanded::<ByKey>(&gate(), key()), Ok(()));
    assert_eq!(demanded::<ReadsByKey>(&gate(), key()), Ok(()));
}
