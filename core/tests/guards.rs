//! Several guards on one request: whoever the handler sees is whom each of them admitted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use countersign::{
    ApiKey, Basic, Bearer, Gate, Grant, KeyRing, SignedCookie, Unavailable, Verified,
    adapter::{Admission, Guard, Verdict},
    async_trait, demand,
    gate::policy::Anyone,
    mint::session::{SessionEndpoints, Sessions},
    response::Reason,
    store::{Directory, MemorySessions},
    testing::PlainHead,
    verifier::{PasswordTable, TokenTable},
};

/// Each kind of credential names somebody else.
const PEOPLE: [(&str, &str); 4] = [("basic", "emily"), ("bearer", "emma"), ("cookie", "jacob"), ("api-key", "bob")];

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

struct Service {
    gate: Gate<String>,
    session: String,
}

fn sessions() -> Sessions<String> {
    Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
        .by(SignedCookie::named("session", KeyRing::random()))
}

async fn service() -> Service {
    let named = |name: &str| Verified::new(name.to_owned()).with_subject(name);
    let sessions = sessions();
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", named("emily")))
        .accept(Bearer, TokenTable::new().with("emmas-long-random-token", named("emma")))
        .accept(sessions.cookie(), sessions.clone())
        .accept(ApiKey::in_header("X-API-Key"), TokenTable::new().with("bobs-long-random-key", named("bob")))
        .build()
        .unwrap();
    let passwords = PasswordTable::new().with("jacob", "admin", named("jacob"));
    let sign_in = SessionEndpoints::new(sessions, &gate).sign_in(Arc::new(passwords));
    let head = PlainHead::new("POST", "/session").with("content-type", "application/json").received_by(&gate);
    let work = sign_in.prepare(&head, head.exchange(), None).unwrap();
    let reply = work.run(br#"{"username":"jacob","password":"admin"}"#.to_vec()).await;
    let session =
        reply.fields().find(|(name, _)| *name == "set-cookie").unwrap().1.split(';').next().unwrap().to_owned();
    Service { gate, session }
}

/// A request with some of the credentials, by the bits of a number.
fn request(service: &Service, with: usize) -> PlainHead {
    let fields = [
        ("authorization", "Basic ZW1pbHk6czNjcmV0"),
        ("authorization", "Bearer emmas-long-random-token"),
        ("cookie", service.session.as_str()),
        ("x-api-key", "bobs-long-random-key"),
    ];
    let chosen = fields.iter().enumerate().filter(|(at, _)| with >> at & 1 == 1).map(|(_, field)| field);
    chosen.fold(PlainHead::get("/"), |head, (name, value)| head.with(name, value)).received_by(&service.gate)
}

/// Whom a guard grants something, nobody, or why it refuses.
async fn granted(guard: &Guard<String>, head: &PlainHead) -> Result<Option<Grant<String>>, Reason> {
    let mut admission = guard.admit(head, head.exchange());
    let verdict = loop {
        match admission {
            Admission::Decided(verdict) => break verdict,
            Admission::Pending(pending) => admission = guard.conclude(pending.await, head, head.exchange()),
            Admission::Body(_) => unreachable!("nothing here covers a body"),
        }
    };
    guard.visitor(verdict).map_err(|rejection| rejection.reason())
}

/// Who a guard sees, nobody, or why it refuses.
async fn seen(guard: &Guard<String>, head: &PlainHead) -> Result<Option<String>, Reason> {
    Ok(granted(guard, head).await?.map(|grant| grant.principal().clone()))
}

/// As an adapter puts a guard in front of what is inside.
async fn enforced(guard: &Guard<String>, head: &PlainHead) -> Result<Option<String>, Reason> {
    let grant = granted(guard, head).await?;
    guard.put_in_force(head.exchange().unwrap(), grant.as_ref());
    Ok(grant.map(|grant| grant.principal().clone()))
}

fn taking(gate: &Gate<String>, which: usize) -> Gate<String> {
    gate.only(PEOPLE.iter().enumerate().filter(|(at, _)| which >> at & 1 == 1).map(|(_, (scheme, _))| *scheme)).unwrap()
}

demand!(BySession: only ["cookie"]);

#[tokio::test]
async fn a_guard_further_in_sees_whom_the_one_further_out_saw_or_refuses() {
    let service = service().await;
    let (mut same, mut refused) = (0, 0);
    for with in 0..16 {
        for outer in 1..16 {
            for inner in 1..16 {
                let head = request(&service, with);
                let out = Guard::in_front(&taking(&service.gate, outer));
                let Ok(Some(first)) = enforced(&out, &head).await else { continue };
                let narrowed = taking(&service.gate, inner);
                let guards = [
                    Guard::in_front(&narrowed),
                    Guard::for_somebody::<Anyone>(&narrowed, head.exchange()),
                    Guard::for_anybody::<Anyone>(&narrowed, head.exchange()),
                    Guard::for_somebody::<BySession>(&service.gate, head.exchange()),
                ];
                for guard in &guards {
                    match seen(guard, &head).await {
                        Ok(Some(second)) => {
                            assert_eq!(first, second, "{with:04b}: {outer:04b} then {inner:04b}, {guard:?}");
                            same += 1;
                        }
                        Ok(None) | Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(same > 500 && refused > 500, "{same} {refused}");
}

#[tokio::test]
async fn a_third_guard_sees_whom_the_first_two_saw() {
    let service = service().await;
    for with in 0..16 {
        for (first, second, third) in (1..16).flat_map(|a| (1..16).flat_map(move |b| (1..16).map(move |c| (a, b, c)))) {
            let head = request(&service, with);
            let mut whom = Vec::new();
            for takes in [first, second] {
                whom.push(enforced(&Guard::in_front(&taking(&service.gate, takes)), &head).await);
            }
            let [Ok(Some(one)), Ok(Some(two))] = whom.as_slice() else { continue };
            let inner = Guard::for_somebody::<Anyone>(&taking(&service.gate, third), head.exchange());
            let three = seen(&inner, &head).await;
            assert_eq!(one, two);
            assert!(three.is_err() || three.as_ref() == Ok(&Some(one.clone())), "{with:04b}: {one} and {three:?}");
        }
    }
}

#[tokio::test]
async fn lists_of_schemes_intersect_and_never_widen() {
    let service = service().await;
    let head = request(&service, 0b0010);
    let out = Guard::in_front(&taking(&service.gate, 0b0011));
    assert_eq!(enforced(&out, &head).await, Ok(Some("emma".to_owned())));
    let inner = |which| Guard::for_somebody::<Anyone>(&taking(&service.gate, which), head.exchange());
    assert_eq!(seen(&inner(0b1110), &head).await, Ok(Some("emma".to_owned())));
    assert_eq!(seen(&inner(0b0101), &head).await, Err(Reason::NoCredential), "emily's kind is taken, and not sent");
    assert_eq!(seen(&inner(0b1000), &head).await, Err(Reason::Misconfigured), "no kind is taken by both");
}

#[tokio::test]
async fn gates_of_their_own_do_not_disturb_each_other() {
    let (people, others) = (service().await, service().await);
    // Attacker's own cookie, and somebody's leaked token.
    let head = request(&people, 0b0110).received_by(&others.gate);
    let by_cookie = Guard::in_front(&taking(&people.gate, 0b0100));
    assert_eq!(enforced(&by_cookie, &head).await, Ok(Some("jacob".to_owned())));
    assert_eq!(enforced(&Guard::in_front(&taking(&others.gate, 0b0010)), &head).await, Ok(Some("emma".to_owned())));
    let inner = Guard::for_somebody::<Anyone>(&people.gate, head.exchange());
    assert_eq!(seen(&inner, &head).await, Ok(Some("jacob".to_owned())));
    by_cookie.take_out_of_force(head.exchange().unwrap());
    let inner = Guard::for_somebody::<Anyone>(&people.gate, head.exchange());
    assert_eq!(seen(&inner, &head).await, Ok(Some("emma".to_owned())));
}

#[tokio::test]
async fn what_one_gate_began_is_not_concluded_at_another() {
    let (people, others) = (service().await, service().await);
    let head = request(&people, 0b0100);
    let Admission::Pending(pending) = Guard::in_front(&people.gate).admit(&head, head.exchange()) else {
        panic!("a session is looked up")
    };
    let concluded = Guard::in_front(&others.gate).conclude(pending.await, &head, head.exchange());
    let Admission::Decided(Verdict::Rejected(rejection)) = concluded else { panic!("admitted") };
    assert_eq!(rejection.reason(), Reason::Misconfigured);
}

#[tokio::test]
async fn an_endpoint_takes_no_grant_of_another_gate_or_of_a_scheme_that_it_does_not_take() {
    let (people, others) = (service().await, service().await);
    let endpoint = SessionEndpoints::new(sessions(), &people.gate).sign_out();
    for (service, with) in [(&others, 0b0100), (&people, 0b0010)] {
        let head = request(service, with).received_by(&service.gate);
        let Verdict::Admitted(grant) = head.verdict_at(&service.gate).await else { panic!("refused") };
        let Err(reply) = endpoint.prepare(&head, head.exchange(), Some(grant)) else { panic!("taken") };
        assert_eq!(reply.status(), 500);
    }
}
