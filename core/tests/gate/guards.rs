//! Several guards on one request, and guards that no gate stands around.

use super::*;

#[test]
fn a_second_guard_verifies_nothing_again_and_an_answer_opens_nothing_else() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let gate = Gate::in_realm("people")
        .accept(
            Bearer,
            verify_now_with(move |_: &TokenCredential| {
                counted.fetch_add(1, Ordering::Relaxed);
                Answer::from(Verified::new("emily").with_subject("emily"))
            }),
        )
        .accept(ApiKey::in_header("x-api-key"), tokens())
        .build()
        .unwrap();
    let head = with(&[("authorization", "Bearer any")]).received_by(&gate);
    for _ in 0..3 {
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Admitted(_))));
    }
    assert!(matches!(head.at(&gate.require(role("admin"))), Admission::Decided(Verdict::Rejected(_))));
    assert!(matches!(head.at(&gate.only(["api-key"]).unwrap()), Admission::Decided(Verdict::Rejected(_))));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(gate.counts().verifications[0].1, 1);

    let other = Gate::in_realm("people").accept(Bearer, tokens()).build().unwrap();
    assert!(matches!(head.at(&other), Admission::Decided(Verdict::Rejected(_))), "another gate asks its own verifier");
}

#[test]
fn a_request_that_no_gate_received_is_a_fault() {
    let head = with(&[("authorization", "Bearer emily-token")]);
    let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate()) else { panic!("a verdict") };
    assert_eq!(rejection.reason(), Reason::Misconfigured);
    // and so is one that another gate received, which knows nothing of our parameter
    let other = Gate::in_realm("other").accept(Bearer, tokens()).build().unwrap();
    let head = PlainHead::get("/me?access_token=emily-token").received_by(&other);
    let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate()) else { panic!("a verdict") };
    assert_eq!(rejection.reason(), Reason::Misconfigured);
}

#[test]
fn a_guard_further_out_weakens_none_further_in() {
    let gate = gate();
    let known = [("authorization", "Bearer emily-token")];
    for (inner, enforced, fields, reason) in [
        (gate.require(role("admin")), gate.clone(), &known, Some(Reason::Forbidden)),
        (gate.require(role("member")), gate.require(role("admin")), &known, Some(Reason::Forbidden)),
        (gate.require(role("member")), gate.require(scope("reports:read")), &known, None),
        (gate.only(["basic"]).unwrap(), gate.clone(), &known, Some(Reason::NoCredential)),
        (gate.only(["basic"]).unwrap(), gate.only(["bearer"]).unwrap(), &known, Some(Reason::Misconfigured)),
        (gate.clone(), gate.only(["basic"]).unwrap(), &known, Some(Reason::NoCredential)),
        (gate.clone(), gate.only(["bearer"]).unwrap(), &known, None),
    ] {
        let head = with(fields).received_by(&gate);
        Guard::in_front(&enforced).put_in_force(head.exchange().unwrap(), None);
        let guard = Guard::for_somebody::<Anyone>(&inner, head.exchange());
        let Admission::Decided(verdict) = guard.admit(&head, head.exchange()) else { panic!("nothing here waits") };
        match verdict {
            Verdict::Rejected(rejection) => assert_eq!(Some(rejection.reason()), reason, "{inner:?} in {enforced:?}"),
            Verdict::Admitted(_) => assert_eq!(None, reason, "{inner:?} in {enforced:?}"),
            Verdict::Anonymous => panic!("anonymous"),
        }
    }
}

#[test]
fn a_guard_behind_one_of_its_gate_judges_what_it_demands_beside() {
    let judged = Arc::new(AtomicUsize::new(0));
    let counting = || {
        let judged = Arc::clone(&judged);
        permits(move |_: &countersign::Grant<Person>, _| {
            judged.fetch_add(1, Ordering::Relaxed);
            true
        })
    };
    let cache = CredentialCache::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let gate = people()
        .accept(
            Bearer,
            verify_with(move |_: TokenCredential| {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Answer::from(Verified::new("emily").with_subject("emily").with_roles(["member"])))
            }),
        )
        .cached(cache.clone())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let asked = |guard: &Guard<Person>, head: &PlainHead| {
        runtime.block_on(async {
            let mut admission = guard.admit(head, head.exchange());
            loop {
                match admission {
                    Admission::Decided(verdict) => break guard.granted(verdict),
                    Admission::Pending(pending) => admission = guard.conclude(pending.await, head, head.exchange()),
                    Admission::Body(_) => panic!("nothing here covers a body"),
                }
            }
        })
    };
    let enforced = gate.require(counting());
    for (revoked, judged_again, called_again) in [(false, 0, 0), (true, 1, 1)] {
        let head = with(&[("authorization", "Bearer any")]).received_by(&gate);
        let front = Guard::in_front(&enforced);
        let grant = asked(&front, &head).unwrap();
        front.put_in_force(head.exchange().unwrap(), Some(&grant));
        if revoked {
            cache.revoke(countersign::Handle::subject("emily"));
        }
        let (so_far, calls_so_far) = (judged.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
        for (inner, reason) in [
            (gate.clone(), None),
            (gate.require(role("member")), None),
            (gate.require(role("admin")), Some(Reason::Forbidden)),
        ] {
            let guard = Guard::for_somebody::<Anyone>(&inner, head.exchange());
            let answer = asked(&guard, &head);
            assert_eq!(answer.err().map(|rejection| rejection.reason()), reason, "{inner:?}, revoked {revoked}");
        }
        let again = |now: &AtomicUsize, before: usize| now.load(Ordering::Relaxed) - before;
        assert_eq!(
            again(&judged, so_far).min(1),
            judged_again,
            "what was enforced is judged anew of who was verified anew"
        );
        assert_eq!(again(&calls, calls_so_far), called_again);
    }
}
