//! A walk of random steps, answered alike with a cache and without.

use super::*;

/// An application: accounts with passwords, tokens with ends, and a database that may be away.
#[derive(Default)]
struct Application {
    passwords: HashMap<u8, u8>,
    tokens: HashMap<u8, (u8, SystemTime)>,
    away: bool,
}

type Shared = Arc<Mutex<Application>>;

fn gate(application: &Shared, clock: &Arc<ManualClock>, cache: Option<&CredentialCache>) -> Gate<u8> {
    let asked = application.clone();
    let passwords = verify_with(move |credential: BasicCredential| {
        let asked = asked.clone();
        async move {
            yield_now().await;
            let application = asked.lock().unwrap();
            let name: u8 = credential.name().parse().unwrap();
            let right = application.passwords.get(&name).map(u8::to_string);
            match right {
                _ if application.away => Answer::Unavailable(Unavailable::because("away")),
                Some(right) if credential.password().matches(right.as_bytes()) => {
                    Verified::new(name).with_subject(name.to_string()).into()
                }
                _ => Answer::Refused,
            }
        }
    });
    let asked = application.clone();
    let tokens = verify_with(move |credential: TokenCredential| {
        let asked = asked.clone();
        async move {
            yield_now().await;
            let application = asked.lock().unwrap();
            let token: u8 = std::str::from_utf8(credential.token().expose()).unwrap().parse().unwrap();
            match application.tokens.get(&token) {
                _ if application.away => Answer::Unavailable(Unavailable::because("away")),
                Some((name, end)) => {
                    let handle = Handle::of(HandleKind::Token, &token.to_string());
                    Verified::new(*name).with_subject(name.to_string()).revocable_by(handle).ending_at(*end).into()
                }
                None => Answer::Refused,
            }
        }
    });
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords.reusable_for(MINUTE))
        .accept(Bearer, tokens.reusable_for(MINUTE))
        .timed_by(clock.clone());
    cache.into_iter().fold(gate, |gate, cache| gate.cached(cache.clone())).build().unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    SignIn { name: u8, password: u8 },
    Present { token: u8 },
    SetPassword { name: u8, password: u8 },
    DeleteAccount { name: u8 },
    Issue { token: u8, name: u8, life: u64 },
    RevokeToken { token: u8 },
    RevokeEverything,
    Outage { away: bool },
    Advance { seconds: u64 },
    SetWall { back: bool, seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0..3_u8;
    let step = prop_oneof![
        8 => (name(), 0..3_u8).prop_map(|(name, password)| Step::SignIn { name, password }),
        8 => name().prop_map(|token| Step::Present { token }),
        2 => (name(), 0..3_u8).prop_map(|(name, password)| Step::SetPassword { name, password }),
        1 => name().prop_map(|name| Step::DeleteAccount { name }),
        2 => (name(), name(), 0..200_u64).prop_map(|(token, name, life)| Step::Issue { token, name, life }),
        1 => name().prop_map(|token| Step::RevokeToken { token }),
        1 => Just(Step::RevokeEverything),
        2 => any::<bool>().prop_map(|away| Step::Outage { away }),
        3 => prop_oneof![Just(1), Just(4), Just(5), Just(59), Just(60), 0..100_u64]
            .prop_map(|seconds| Step::Advance { seconds }),
        1 => (any::<bool>(), 0..300_u64).prop_map(|(back, seconds)| Step::SetWall { back, seconds }),
    ];
    prop::collection::vec(step, 1..80)
}

/// What a gate without an outage would say.
fn truth(application: &Application, head: &Step, wall: SystemTime) -> u16 {
    let good = match head {
        Step::SignIn { name, password } => application.passwords.get(name) == Some(password),
        Step::Present { token } => application.tokens.get(token).is_some_and(|(_, end)| wall < *end),
        _ => unreachable!("only these are requests"),
    };
    if good { 200 } else { 401 }
}

async fn walk(steps: Vec<Step>) {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + seconds(1_000_000)));
    let application = Shared::default();
    let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
    let (on, off) = (gate(&application, &clock, Some(&cache)), gate(&application, &clock, None));
    let subject = |name: &u8| Handle::subject(&name.to_string());
    for (place, step) in steps.iter().enumerate() {
        let change = |change: &dyn Fn(&mut Application)| change(&mut application.lock().unwrap());
        match step {
            Step::SetPassword { name, password } => {
                change(&|application| {
                    application.passwords.insert(*name, *password);
                });
                cache.revoke(subject(name));
            }
            Step::DeleteAccount { name } => {
                change(&|application| {
                    application.passwords.remove(name);
                    application.tokens.retain(|_, (owner, _)| owner != name);
                });
                cache.revoke(subject(name));
            }
            Step::Issue { token, name, life } => {
                let end = clock.wall() + seconds(*life);
                change(&|application| {
                    application.tokens.insert(*token, (*name, end));
                });
                cache.revoke(Handle::of(HandleKind::Token, &token.to_string()));
            }
            Step::RevokeToken { token } => {
                change(&|application| {
                    application.tokens.remove(token);
                });
                cache.revoke(Handle::of(HandleKind::Token, &token.to_string()));
            }
            Step::RevokeEverything => {
                change(&|application| {
                    application.tokens.clear();
                    application.passwords.clear();
                });
                cache.revoke_all();
            }
            Step::Outage { away } => change(&|application| application.away = *away),
            Step::Advance { seconds: by } => clock.advance(seconds(*by)),
            Step::SetWall { back, seconds: by } => {
                let wall = clock.wall();
                clock.set_wall(if *back { wall - seconds(*by) } else { wall + seconds(*by) });
            }
            request @ (Step::SignIn { .. } | Step::Present { .. }) => {
                let head = || match request {
                    Step::SignIn { name, password } => PlainHead::get("/me")
                        .with("authorization", format!("Basic {}", base64(&format!("{name}:{password}")))),
                    Step::Present { token } => bearer(&token.to_string()),
                    _ => unreachable!("only these are requests"),
                };
                let (cached, asked) = (status(&verdict(&on, head()).await), status(&verdict(&off, head()).await));
                let (truth, away) = {
                    let application = application.lock().unwrap();
                    (truth(&application, request, clock.wall()), application.away)
                };
                let context = format!("step {place}, {request:?}, of {steps:?}");
                // What is known may serve while the database is away; it is never wrong.
                assert!(cached == truth || (away && cached == 503), "{cached} instead of {truth}: {context}");
                assert_eq!(asked, if away { 503 } else { truth }, "{context}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_on_and_a_cache_off_answer_alike(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(walk(steps));
    }
}
