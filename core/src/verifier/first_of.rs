//! Several verifiers for one kind of credential: [`first_of`].
//!
//! They are asked in order. The first that verifies the credential ends it; one that refuses lets the next be asked; one without an answer
//! makes the whole *no answer*, unless a later one verifies. Handles, end and life are those of the one that verified.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, verifier::{TokenTable, first_of}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ours = TokenTable::new().with("a-long-random-token", Verified::new("emily"));
//! let theirs = TokenTable::new().with("another-random-token", Verified::new("the backup job"));
//! let gate = Gate::in_realm("people").accept(Bearer, first_of((ours, theirs))).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not tell who would be asked: each sees every credential that those before it refused. At most one may have
//! [accounts](Verify::account) that a throttle counts; put it last, since whatever it refuses counts as a wrong try.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::{Answer, Company, Kept, Terms, Verify, queue::QueueLimits};
use crate::{clock::SharedClock, throttle::Account, unavailable::Unavailable};

/// These verifiers, two to four in a tuple, asked in order. See the [module](self).
pub fn first_of<C, P, M>(members: M) -> FirstOf<C, P>
where
    C: Send + 'static,
    P: Send + Sync + 'static,
    M: Members<C, P>,
{
    let members: Vec<_> = members.boxed().into_iter().map(Member::of).collect();
    let mut terms = Terms::new().queued(limits());
    terms.kept = match members.split_first() {
        Some((first, rest)) if rest.iter().all(|member| member.terms.kept == first.terms.kept) => first.terms.kept,
        _ => Kept::Sometimes,
    };
    terms.issuers = members.iter().flat_map(|member| member.terms.issuers.iter().cloned()).collect();
    terms.throttle = members.iter().find_map(|member| member.terms.throttle.clone());
    FirstOf { members, terms }
}

/// Several verifiers as one: see [`first_of`].
pub struct FirstOf<C, P> {
    members: Vec<Member<C, P>>,
    terms: Terms,
}

/// Verifiers of one kind of credential and one principal, in a tuple.
pub trait Members<C, P> {
    /// The verifiers, in order.
    fn boxed(self) -> Vec<Box<dyn Verify<C, Principal = P>>>;
}

struct Member<C, P> {
    verifier: Box<dyn Verify<C, Principal = P>>,
    terms: Terms,
}

macro_rules! members {
    ($($member:ident),+) => {
        impl<C, P, $($member),+> Members<C, P> for ($($member,)+)
        where
            C: Send + 'static,
            P: Send + Sync + 'static,
            $($member: Verify<C, Principal = P>),+
        {
            fn boxed(self) -> Vec<Box<dyn Verify<C, Principal = P>>> {
                #[expect(non_snake_case, reason = "a member is named by its type")]
                let ($($member,)+) = self;
                vec![$(Box::new($member)),+]
            }
        }
    };
}

members!(A, B);
members!(A, B, C2);
members!(A, B, C2, D);

impl<C: Clone + Send + Sync + 'static, P: Send + Sync + 'static> Member<C, P> {
    /// Its answer, after its turn: each has turns of its own, so that a slow one is in nobody's way.
    async fn verify(&self, credential: C) -> Answer<P> {
        let Ok(place) = self.terms.queue.enter_ourselves() else { return Answer::Unavailable(Unavailable::busy(BUSY)) };
        match place.turn().await {
            Ok(permit) => permit.cover(self.verifier.verify(credential)).await,
            Err(closed) => Answer::Unavailable(Unavailable::because(closed)),
        }
    }
}

impl<C: Send + 'static, P: Send + Sync + 'static> Member<C, P> {
    fn of(verifier: Box<dyn Verify<C, Principal = P>>) -> Self {
        let terms = verifier.terms();
        Self { verifier, terms }
    }

    /// Its answer with the life that it has by its own terms, whatever those of the others are.
    fn kept(&self, answer: Answer<P>) -> Answer<P> {
        let Answer::Verified(verified) = answer else { return answer };
        let life = match (self.terms.kept, verified.life()) {
            (Kept::Never, _) | (Kept::Sometimes, None) => Duration::ZERO,
            (Kept::Sometimes | Kept::Always, Some(life)) => life,
            (Kept::Always, None) => Duration::MAX,
        };
        Answer::Verified(verified.kept_for(life))
    }
}

/// So many at once, since the members have queues of their own, and one sender at most a quarter of the places.
fn limits() -> QueueLimits {
    QueueLimits::at_once(4096).waiting(12_288).share(4096)
}

/// After how long it is worth trying again.
const BUSY: Duration = Duration::from_secs(2);

/// What is known when some of them have refused.
enum SoFar {
    Refused,
    Unjudged,
    Unavailable(Unavailable),
}

impl SoFar {
    /// The weaker of this and what the next one says: no answer, then no judgement, then no.
    fn or(self, next: Self) -> Self {
        match (self, next) {
            (Self::Unavailable(source), _) | (_, Self::Unavailable(source)) => Self::Unavailable(source),
            (Self::Unjudged, _) | (_, Self::Unjudged) => Self::Unjudged,
            (Self::Refused, Self::Refused) => Self::Refused,
        }
    }

    fn answer<P>(self) -> Answer<P> {
        match self {
            Self::Refused => Answer::Refused,
            Self::Unjudged => Answer::Unjudged,
            Self::Unavailable(source) => Answer::Unavailable(source),
        }
    }
}

/// A good answer, or what it leaves to the next.
fn told<P>(answer: Answer<P>) -> Result<Answer<P>, SoFar> {
    match answer {
        Answer::Verified(_) => Ok(answer),
        Answer::Refused => Err(SoFar::Refused),
        Answer::Unjudged => Err(SoFar::Unjudged),
        Answer::Unavailable(source) => Err(SoFar::Unavailable(source)),
    }
}

#[async_trait]
impl<C: Clone + Send + Sync + 'static, P: Send + Sync + 'static> Verify<C> for FirstOf<C, P> {
    type Principal = P;

    fn verify_now(&self, credential: &C) -> Option<Answer<P>> {
        let mut so_far = SoFar::Refused;
        for member in &self.members {
            match told(member.verifier.verify_now(credential)?) {
                Ok(good) => return Some(member.kept(good)),
                Err(next) => so_far = so_far.or(next),
            }
        }
        Some(so_far.answer())
    }

    async fn verify(&self, credential: C) -> Answer<P> {
        let mut so_far = SoFar::Refused;
        for member in &self.members {
            match told(member.verify(credential.clone()).await) {
                Ok(good) => return member.kept(good),
                Err(next) => so_far = so_far.or(next),
            }
        }
        so_far.answer()
    }

    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.members.iter().find_map(|member| member.verifier.clock())
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        self.members.iter().flat_map(|member| member.verifier.check(company)).collect()
    }

    /// Under a name, if only one of them looks at this: what the first does not look at is a guess all the same where the second does.
    fn account(&self, credential: &C) -> Option<Account> {
        let accounts = || self.members.iter().filter_map(|member| member.verifier.account(credential));
        accounts().find(|account| *account != Account::of_no_name()).or_else(|| accounts().next())
    }
}

impl<C, P> fmt::Debug for FirstOf<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOf").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credential::TokenCredential,
        principal::Verified,
        throttle::Throttle,
        verifier::{VerifyWith, verify_with},
    };

    /// What a member says, by a letter: verified, refused, unjudged, no answer.
    fn says(
        letter: char,
        who: &'static str,
    ) -> VerifyWith<impl Fn(TokenCredential) -> std::future::Ready<Answer<&'static str>> + Send + Sync, TokenCredential>
    {
        verify_with(move |_: TokenCredential| {
            std::future::ready(match letter {
                'v' => Verified::new(who).into(),
                'r' => Answer::Refused,
                'u' => Answer::Unjudged,
                _ => Answer::Unavailable(Unavailable::because("down")),
            })
        })
    }

    #[tokio::test]
    async fn the_first_that_verifies_ends_it_and_no_answer_outweighs_no() {
        let credential = TokenCredential::read(b"token").unwrap();
        for (letters, expected) in [
            ("vvv", "a"),
            ("rvv", "b"),
            ("rrv", "c"),
            ("-vr", "b"),
            ("u-v", "c"),
            ("rrr", "refused"),
            ("rur", "unjudged"),
            ("r-r", "down"),
            ("u-r", "down"),
            ("-uu", "down"),
        ] {
            let mut letters_in = letters.chars();
            let mut next = |who| says(letters_in.next().unwrap(), who);
            let verifier = first_of((next("a"), next("b"), next("c")));
            let said = match verifier.verify(credential.clone()).await {
                Answer::Verified(verified) => *verified.principal(),
                Answer::Refused => "refused",
                Answer::Unjudged => "unjudged",
                Answer::Unavailable(_) => "down",
            };
            assert_eq!(said, expected, "{letters}");
        }
    }

    /// Counts whatever comes here.
    struct Counted(Account);

    #[async_trait]
    impl Verify<TokenCredential> for Counted {
        type Principal = ();

        async fn verify(&self, _: TokenCredential) -> Answer<()> {
            Answer::Refused
        }

        fn account(&self, _: &TokenCredential) -> Option<Account> {
            Some(self.0)
        }
    }

    #[test]
    fn what_only_one_of_them_looks_at_counts_for_its_name() {
        let (none, emily) = (Account::of_no_name(), Throttle::default().account("emily"));
        let credential = TokenCredential::read(b"token").unwrap();
        for (one, other, expected) in [(none, emily, emily), (emily, none, emily), (none, none, none)] {
            assert_eq!(first_of((Counted(one), Counted(other))).account(&credential), Some(expected));
        }
    }

    #[tokio::test]
    async fn each_answer_is_kept_by_the_terms_of_who_gave_it() {
        let credential = TokenCredential::read(b"token").unwrap();
        let minute = Duration::from_secs(60);
        let never = || says('v', "never");
        let always = |letter| says(letter, "always").reusable_for(minute);
        for (verifier, kept, life) in [
            (first_of((never(), never())), Kept::Never, Duration::ZERO),
            (first_of((always('v'), always('v'))), Kept::Always, minute),
            (first_of((always('r'), never())), Kept::Sometimes, Duration::ZERO),
            (first_of((always('v'), never())), Kept::Sometimes, minute),
        ] {
            assert_eq!(verifier.terms().are_kept(), kept);
            let Answer::Verified(verified) = verifier.verify(credential.clone()).await else { panic!("verified") };
            assert_eq!(verified.life(), Some(life));
        }
    }
}
