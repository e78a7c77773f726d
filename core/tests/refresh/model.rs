//! The store against a model, and in threads.

use super::*;

/// A family as the model knows it.
#[derive(Debug, Clone)]
struct Family {
    subject: &'static str,
    generation: u64,
    /// The number of the one good token.
    turn: usize,
    ends: u64,
    /// Not made void, and not made way.
    there: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Begin {
        subject: usize,
        stale: bool,
    },
    /// Brings the token of this family that is so many turns old, with what shall come after it.
    Rotate {
        family: usize,
        age: usize,
    },
    RevokeSubject {
        subject: usize,
    },
    RevokeFamily {
        family: usize,
    },
    Pass {
        seconds: u64,
    },
    Purge {
        most: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_usize, prop::bool::weighted(0.1)).prop_map(|(subject, stale)| Step::Begin { subject, stale }),
        8 => (0..12_usize, 0..3_usize).prop_map(|(family, age)| Step::Rotate { family, age: age.saturating_sub(1) }),
        1 => (0..3_usize).prop_map(|subject| Step::RevokeSubject { subject }),
        1 => (0..12_usize).prop_map(|family| Step::RevokeFamily { family }),
        1 => (1..400_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0..3_usize).prop_map(|most| Step::Purge { most }),
    ];
    prop::collection::vec(step, 1..120)
}

const SUBJECTS: [&str; 3] = ["emily", "emma", ""];
const MOST: usize = 3;
const LIFE: u64 = 500;

fn record(family: &Family, number: usize, created: u64) -> FamilyRecord {
    FamilyRecord {
        id: number.to_string().into(),
        subject: family.subject.into(),
        generation: family.generation,
        scopes: Scopes::default(),
        all_scopes: true,
        current: digest(number, family.turn),
        previous: None,
        created: at(created),
        used: at(created),
        ends: at(family.ends),
        address: None,
        agent: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_memory_does_what_the_model_does(steps in steps()) {
        let store = MemoryTokens::default();
        let (mut families, mut floors, mut void, mut time) =
            (Vec::<Family>::new(), HashMap::<&str, SubjectFloor>::new(), HashMap::<usize, u64>::new(), 0);
        for step in steps {
            match step {
                Step::Begin { subject, stale } => {
                    let subject = SUBJECTS[subject];
                    let floor = floors.get(subject).copied().unwrap_or_default();
                    let generation = if stale { floor.generation.saturating_sub(1) } else { floor.generation };
                    let family = Family { subject, generation, turn: 0, ends: time + LIFE, there: true };
                    now(store.begin(record(&family, families.len(), time), MOST)).unwrap();
                    let mut held: Vec<&mut Family> = families
                        .iter_mut()
                        .filter(|held| held.subject == subject && held.there)
                        .filter(|held| time < held.ends && held.generation >= floor.generation)
                        .collect();
                    let too_many = (held.len() + 1).saturating_sub(MOST);
                    for oldest in held.iter_mut().take(too_many) {
                        oldest.there = false;
                    }
                    families.push(family);
                }
                Step::Rotate { family: number, age } => {
                    let Some(family) = families.get_mut(number) else { continue };
                    let Some(spent) = family.turn.checked_sub(age) else { continue };
                    let rotation = Rotation {
                        id: number.to_string().into(),
                        spent: digest(number, spent),
                        successor: digest(number, family.turn + 1),
                        now: at(time),
                        ends: at(time + LIFE),
                        address: None,
                        agent: None,
                        forgiven: Duration::ZERO,
                        void_until: at(time + 100),
                    };
                    let floor = floors.get(family.subject).copied().unwrap_or_default();
                    let stands = family.there && time < family.ends && family.generation >= floor.generation;
                    let expected = match age {
                        _ if !stands => Rotated::Unknown,
                        0 => Rotated::Now,
                        _ => Rotated::Reused,
                    };
                    prop_assert_eq!(now(store.rotate(rotation)).unwrap(), expected);
                    match expected {
                        Rotated::Now => (family.turn, family.ends) = (family.turn + 1, time + LIFE),
                        Rotated::Reused => {
                            family.there = false;
                            let until = void.entry(number).or_default();
                            *until = (*until).max(time + 100);
                        }
                        _ => {}
                    }
                }
                Step::RevokeSubject { subject } => {
                    let floor = floors.entry(SUBJECTS[subject]).or_default();
                    *floor = SubjectFloor { generation: floor.generation + 1, revoked_at: Some(at(time)) };
                    now(store.revoke_subject(SUBJECTS[subject], at(time))).unwrap();
                    // A clock that is set back lowers nothing.
                    now(store.revoke_subject(SUBJECTS[subject], BEGIN)).unwrap();
                    floor.generation += 1;
                    for family in families.iter_mut().filter(|family| family.subject == SUBJECTS[subject]) {
                        family.there = false;
                    }
                }
                Step::RevokeFamily { family } => {
                    let handle = FamilyRecord::handle_of(&family.to_string());
                    now(store.revoke(handle, at(time + 50))).unwrap();
                    let until = void.entry(family).or_default();
                    *until = (*until).max(time + 50);
                    if let Some(family) = families.get_mut(family) {
                        family.there = false;
                    }
                }
                Step::Pass { seconds } => time += seconds,
                Step::Purge { most } => {
                    // What has ended may go, and nothing else.
                    let gone = now(store.purge(at(time), most)).unwrap();
                    prop_assert!(gone <= 2 * most);
                }
            }
            for (number, family) in families.iter().enumerate() {
                let floor = floors.get(family.subject).copied().unwrap_or_default();
                let handle = FamilyRecord::handle_of(&number.to_string());
                let standing = now(store.standing(family.subject, &[Handle::subject("other"), handle])).unwrap();
                prop_assert_eq!(standing.floor, floor);
                match void.get(&number) {
                    Some(until) if time < *until => prop_assert!(standing.revoked),
                    Some(_) => {}
                    None => prop_assert!(!standing.revoked),
                }
                let stands = family.there && time < family.ends && family.generation >= floor.generation;
                let found = now(store.find(&number.to_string(), at(time))).unwrap();
                prop_assert_eq!(found.as_ref().map(|found| found.current), stands.then(|| digest(number, family.turn)));
                let listed = now(store.list(family.subject, at(time))).unwrap();
                prop_assert_eq!(listed.iter().any(|listed| *listed.id == *number.to_string()), stands);
                prop_assert!(listed.len() <= MOST);
            }
        }
        // Everything that ends goes, in steps.
        time += 10_000;
        while now(store.purge(at(time), 2)).unwrap() > 0 {}
        let printed = format!("{store:?}");
        prop_assert!(printed.contains("families: 0, void: 0"), "{}", printed);
    }
}

/// However many bring whatever they have of a family, on however many threads: of its tokens one is good, or none.
#[test]
fn no_family_ever_has_two_live_successors() {
    const FAMILIES: usize = 400;
    const THREADS: usize = 8;
    let store = Arc::new(MemoryTokens::default());
    let races = AtomicUsize::new(0);
    for family in 0..FAMILIES {
        let begun = Family { subject: "emily", generation: 0, turn: 0, ends: 1_000_000, there: true };
        now(store.begin(record(&begun, family, 0), 20)).unwrap();
        // Each brings the same token with a successor of its own, then its successor, and so on.
        let won: Vec<Vec<TokenDigest>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let store = &store;
                    scope.spawn(move || {
                        let (mut spent, mut won) = (digest(family, 0), Vec::new());
                        for turn in 1..=8 {
                            let successor = digest(family, thread * 1000 + turn);
                            let rotation = Rotation {
                                id: family.to_string().into(),
                                spent,
                                successor,
                                now: at(1),
                                ends: at(1_000_000),
                                address: None,
                                agent: None,
                                forgiven: Duration::ZERO,
                                void_until: at(600),
                            };
                            match now(store.rotate(rotation)).unwrap() {
                                Rotated::Now => {
                                    won.push(spent);
                                    spent = successor;
                                }
                                Rotated::Reused | Rotated::Unknown => break,
                                Rotated::Again => panic!("nothing is forgiven here"),
                            }
                        }
                        won
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let spent: Vec<TokenDigest> = won.into_iter().flatten().collect();
        assert_eq!(spent.iter().collect::<HashSet<_>>().len(), spent.len(), "a token was spent twice");
        assert!(!spent.is_empty(), "the first was good for somebody");
        assert!(now(store.find(&family.to_string(), at(1))).unwrap().is_none(), "it was brought twice");
        races.fetch_add(usize::from(spent.len() < 8), Ordering::Relaxed);
        let handle = FamilyRecord::handle_of(&family.to_string());
        assert!(now(store.standing("emily", &[handle])).unwrap().revoked);
    }
    assert!(races.load(Ordering::Relaxed) > 0, "the threads never met");
}

/// A sequence that looks random, the same at each run.
struct Random(u64);

impl Random {
    /// A number below this one.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Four clients share what they have of a family, and each refresh is taken step by step, in whatever order.
#[test]
fn in_no_order_of_steps_has_a_family_two_live_successors() {
    type Refreshing<'s> = Pin<Box<dyn Future<Output = Option<String>> + 's>>;

    let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
    let from = PlainHead::new("POST", "/").from(address).view().client_info();
    let (mut context, mut ended) = (Context::from_waker(Waker::noop()), [0, 0]);
    for forgiving in [false, true] {
        let service = service_with(|tokens| match forgiving {
            true => tokens.forgiving_lost_answers(Duration::from_secs(10), KeyRing::random()),
            false => tokens,
        });
        let refresh = |token: String| -> Refreshing<'_> {
            let (service, from) = (&service, &from);
            Box::pin(async move {
                let answered = service.tokens.refresh(token.as_bytes(), from, &service.cache).await.unwrap();
                answered.map(|issued| issued.refresh_token().to_owned())
            })
        };
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let mut begun = Box::pin(service.tokens.begin("emily", None, &from));
            let first = loop {
                if let Poll::Ready(begun) = begun.as_mut().poll(&mut context) {
                    break begun.unwrap().unwrap().refresh_token().to_owned();
                }
            };
            let (mut known, mut running) = (vec![first], Vec::<(usize, Refreshing<'_>)>::new());
            // What was answered to each token that is known.
            let mut answers: Vec<Vec<Option<String>>> = vec![Vec::new()];
            for step in 0.. {
                if step < 30 && running.len() < 4 && random.below(3) == 0 {
                    // The latest more often than not, as honest clients do.
                    let token = if random.below(4) == 0 { random.below(known.len()) } else { known.len() - 1 };
                    running.push((token, refresh(known[token].clone())));
                    continue;
                }
                if running.is_empty() && step >= 30 {
                    break;
                }
                if running.is_empty() {
                    continue;
                }
                let place = random.below(running.len());
                let Poll::Ready(answer) = running[place].1.as_mut().poll(&mut context) else { continue };
                let (token, _) = running.swap_remove(place);
                if let Some(successor) = &answer
                    && !known.contains(successor)
                {
                    known.push(successor.clone());
                    answers.push(Vec::new());
                }
                answers[token].push(answer);
            }
            let mut successors = HashSet::new();
            for (token, answers) in answers.iter().enumerate() {
                let given: HashSet<&String> = answers.iter().flatten().collect();
                assert!(given.len() <= 1, "seed {seed}: token {token} has two successors");
                assert!(given.iter().all(|given| successors.insert(*given)), "seed {seed}: two tokens share one");
                let good = answers.iter().flatten().count();
                assert!(good <= 1 || forgiving, "seed {seed}: token {token} was good {good} times");
            }
            let digests: Vec<TokenDigest> = known.iter().map(|token| TokenDigest::of(token.as_bytes())).collect();
            let families = now(service.store.store.list("emily", at(0))).unwrap();
            let family = families.iter().find(|family| digests.contains(&family.current));
            let refused = answers.iter().flatten().any(Option::is_none);
            assert_eq!(family.is_none(), refused, "seed {seed}: void as soon as one was refused, and not before");
            let live = digests.iter().filter(|digest| family.is_some_and(|family| family.current == **digest)).count();
            assert!(live <= 1, "seed {seed}");
            ended[usize::from(refused)] += 1;
        }
    }
    assert!(ended.iter().all(|ended| *ended > 500), "both ends are common: {ended:?}");
}
