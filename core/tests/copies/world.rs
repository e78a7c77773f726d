//! Two copies of a service: one store, a bus that loses, delays and repeats, and an outbox that cannot be read at times.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    ApiKey, Bearer, CredentialCache, Gate, JwtSigner, KeyRing, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    cache::{
        CacheOptions,
        copies::{Bus, Copies, Following, Heard, Listening},
    },
    clock::Clock,
    mint::{
        access_token::AccessTokens, api_key::ApiKeys, refresh_token::RefreshTokens, revocation::Revocation,
        session::Sessions,
    },
    request::ClientInfo,
    store::{Directory, MemoryApiKeys, MemoryOutbox, MemorySessions, MemoryTokens, Outbox, OutboxPage, Voided},
    testing::PlainHead,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, sleep},
};

use super::random::Random;

pub(crate) const SUBJECTS: [&str; 3] = ["emily", "emma", "jacob"];

/// How many sessions, and how many families, a subject may have.
pub(crate) const MOST: usize = 3;

/// How long a session lives.
pub(crate) const SESSION: Duration = Duration::from_secs(200);

/// How long a family lives without use, and at the longest.
pub(crate) const FAMILY: [Duration; 2] = [Duration::from_secs(150), Duration::from_secs(500)];

/// Both clocks go by tokio's, which is paused.
#[derive(Debug)]
pub(crate) struct TokioClock(pub(crate) Instant);

impl Clock for TokioClock {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// What the copies share.
pub(crate) struct World {
    pub(crate) clock: Arc<TokioClock>,
    outbox: Arc<MemoryOutbox>,
    sessions: Arc<MemorySessions>,
    tokens: Arc<MemoryTokens>,
    keys: Arc<MemoryApiKeys>,
    ring: KeyRing,
    signer: JwtSigner,
    pub(crate) unreadable: AtomicBool,
    lines: Mutex<Vec<UnboundedSender<Heard>>>,
    fates: Mutex<Random>,
}

struct Shared(Arc<World>);

#[async_trait]
impl Outbox for Shared {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        self.0.outbox.announce(voided).await
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        if self.0.unreadable.load(Ordering::Relaxed) {
            // Half of the outages say so, half are silent.
            if self.0.fates.lock().unwrap().below(2) == 0 {
                std::future::pending::<()>().await;
            }
            return Err(Unavailable::because("away"));
        }
        self.0.outbox.since(cursor, most).await
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.0.outbox.purge(before, most).await
    }
}

#[async_trait]
impl Bus for Shared {
    async fn wake(&self) -> Result<(), Unavailable> {
        let newest = self.0.outbox.since(u64::MAX, 0).await?.newest;
        // One row to a message, as Redis tells them: of several that follow each other closely the earlier are in none.
        let rows = self.0.outbox.since(newest.saturating_sub(1), 1).await?.rows;
        for line in &*self.0.lines.lock().unwrap() {
            let (fate, late) = {
                let mut fates = self.0.fates.lock().unwrap();
                (fates.below(6), fates.below(3_000))
            };
            let heard = match fate {
                0 => Vec::new(),
                1 => vec![Heard::Wake],
                2 => vec![Heard::Rows(rows.clone())],
                3 => vec![Heard::Rows(rows.clone()), Heard::Wake, Heard::Rows(rows.clone())],
                _ => {
                    let (line, rows) = (line.clone(), rows.clone());
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(late as u64)).await;
                        let _ = line.send(Heard::Rows(rows));
                    });
                    Vec::new()
                }
            };
            heard.into_iter().for_each(|heard| _ = line.send(heard));
        }
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listening>, Unavailable> {
        let (line, heard) = unbounded_channel();
        self.0.lines.lock().unwrap().push(line);
        Ok(Box::new(Line(heard)))
    }
}

struct Line(UnboundedReceiver<Heard>);

#[async_trait]
impl Listening for Line {
    async fn next(&mut self) -> Result<Heard, Unavailable> {
        self.0.recv().await.ok_or_else(|| Unavailable::because("cut"))
    }

    async fn beat(&mut self) -> Result<(), Unavailable> {
        Ok(())
    }
}

impl World {
    pub(crate) fn new(seed: u64, signer: &JwtSigner) -> Arc<Self> {
        let outbox = Arc::<MemoryOutbox>::default();
        Arc::new(Self {
            clock: Arc::new(TokioClock(Instant::now())),
            sessions: Arc::new(MemorySessions::default().announcing_in(outbox.clone())),
            tokens: Arc::new(MemoryTokens::default().announcing_in(outbox.clone())),
            keys: Arc::new(MemoryApiKeys::default().announcing_in(outbox.clone())),
            outbox,
            ring: KeyRing::random(),
            signer: signer.clone(),
            unreadable: AtomicBool::new(false),
            lines: Mutex::default(),
            fates: Mutex::new(Random::new(seed ^ 0x5eed)),
        })
    }

    /// Cuts every line of the bus; each copy begins another.
    pub(crate) fn cut(&self) {
        self.lines.lock().unwrap().clear();
    }

    pub(crate) fn copy(self: &Arc<Self>) -> Copy {
        let (clock, people) = (self.clock.clone(), Arc::new(Everybody));
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
        let copies = Copies::sharing(Arc::new(Shared(self.clone()))).woken_by(Arc::new(Shared(self.clone())));
        let cookie = SignedCookie::named("session", self.ring.clone()).timed_by(clock.clone());
        let sessions = Sessions::new(self.sessions.clone(), people.clone())
            .by(cookie)
            .recorded_in(self.tokens.clone())
            .ending_after(SESSION, SESSION)
            .at_most(MOST)
            .revoking(&cache);
        let access = AccessTokens::issued_by("https://people", self.signer.clone())
            .timed_by(clock.clone())
            .for_audience("people", people.clone())
            .unwrap();
        let tokens = RefreshTokens::new("pplr_".parse().unwrap(), access, self.tokens.clone())
            .ending_after(FAMILY[0], FAMILY[1])
            .at_most(MOST);
        let keys = ApiKeys::new("ppl_".parse().unwrap(), self.keys.clone(), people.clone())
            .timed_by(clock.clone())
            .revoking(&cache);
        let revocation =
            Revocation::recorded_in(self.tokens.clone(), people, &cache).ending_sessions_in(self.sessions.clone());
        let gate = Gate::in_realm("people")
            .accept(sessions.cookie(), sessions.clone())
            .accept(Bearer, tokens.access_tokens().clone())
            .accept(ApiKey::in_header("x-api-key"), keys.clone())
            .cached(cache.clone())
            .timed_by(clock)
            .build()
            .unwrap();
        let following = copies.follow(&cache).unwrap();
        Copy { gate, sessions, tokens, keys, revocation, cache, _following: following }
    }
}

/// One of the copies.
pub(crate) struct Copy {
    pub(crate) gate: Gate<String>,
    pub(crate) sessions: Sessions<String>,
    pub(crate) tokens: RefreshTokens<String>,
    pub(crate) keys: ApiKeys<String>,
    pub(crate) revocation: Revocation<String>,
    pub(crate) cache: CredentialCache,
    _following: Following,
}

/// Whoever sends this field, from nowhere in particular.
pub(crate) fn from(field: Option<&(&'static str, String)>) -> ClientInfo {
    let head = PlainHead::new("POST", "/");
    let head = field.into_iter().fold(head, |head, (name, value)| head.with(name, value));
    head.view().client_info()
}

impl Copy {
    /// Whether who sends this is let in, and as whom.
    pub(crate) async fn admits(&self, field: &(&'static str, String)) -> Option<String> {
        let head = PlainHead::get("/").with(field.0, &field.1).received_by(&self.gate);
        match head.verdict_at(&self.gate).await {
            Verdict::Admitted(grant) => Some((*grant).clone()),
            Verdict::Anonymous => panic!("the gate lets nobody in without a credential"),
            Verdict::Rejected(rejection) => {
                assert_eq!(rejection.status(), 401, "no outage and no fault: {rejection:?}");
                None
            }
        }
    }

    /// Revokes the token that is sent with this, and its family, by the endpoint.
    pub(crate) async fn give_back(&self, field: &(&'static str, String)) -> u16 {
        let endpoint = self.revocation.of_token(&self.gate.only(["bearer"]).unwrap());
        let head = PlainHead::new("DELETE", "/tokens").with(field.0, &field.1);
        let gate = endpoint.gate().unwrap();
        let head = head.received_by(gate);
        let grant = match head.verdict_at(gate).await {
            Verdict::Admitted(grant) => grant,
            Verdict::Anonymous | Verdict::Rejected(_) => return 401,
        };
        match endpoint.prepare(&head, head.exchange(), Some(grant)) {
            Ok(work) => work.run(Vec::new()).await.status(),
            Err(reply) => reply.status(),
        }
    }
}
