//! What an operator sees of a gate: each decision, for a record ([`audit`]); a log; counters; and [how it stands](health) with what it leans on.
//!
//! # The log
//! Events are those of the crate `tracing`, under the target `countersign`; no event holds a credential.
//!
//! | level | what it says |
//! |---|---|
//! | ERROR | a mistake in how the app is put together, with what to write instead; a verifier that panicked; a stored hash that cannot be read |
//! | WARN | something has no answer, such as a store; a refresh token that was used twice; once a process, that a proxy's header comes from a peer that is not trusted, or that `Host` and `Origin` never agree |
//! | INFO | the table of routes, in Rocket; an issuer's new keys |
//! | DEBUG | each admission, and each refusal with its `reason`, which never changes, and `why`, which says in words what was wrong |
//!
//! Each line about a request stands under a span with its path and its `X-Request-Id`: `admit`, at DEBUG, holds what a gate decides and what its
//! verifiers say while they are waited for; `endpoint` what an endpoint does. Warnings of a gate have both as fields, since they are read without DEBUG.
//! Who was admitted stands there, too, where the app [wants that](crate::gate::GateBuilder::telling_subjects).
//!
//! `RUST_LOG=countersign=debug` shows the last, where `tracing-subscriber` reads that variable. A `why` names claims, fields, and what the app configured
//! (`its "aud" names "other"`, `"exp" was 40 s ago`), and of what a stranger sent nothing that is not escaped and cut short. It is written
//! for people, and changes from release to release; `reason` is for programs.
//!
//! # The counters
//! Those of the crate `metrics`, with the feature `metrics`, for whatever recorder the app installs. Labels are names that the app gave, or
//! that never change: nothing that a client sent.
//!
//! | name | kind | labels | counts |
//! |---|---|---|---|
//! | `countersign_admissions_total` | counter | | guards and sign-ins that let somebody in; a request with two guards is counted by both |
//! | `countersign_rejections_total` | counter | `reason` | guards and endpoints that refused, by their [`Reason`](crate::response::Reason::name) |
//! | `countersign_verifications_total` | counter | `scheme` | calls of a verifier; what was remembered adds none |
//! | `countersign_queued` | gauge | | verifications that run or wait for their turn |
//! | `countersign_unreadable_hashes_total` | counter | `why` | stored password hashes that cannot be read, by what is wrong with them |
//! | `countersign_cache_hits_total` | counter | | credentials that were known |
//! | `countersign_cache_refusal_hits_total` | counter | | credentials that were known to be wrong |
//! | `countersign_cache_misses_total` | counter | | credentials that were not known |
//! | `countersign_cache_joins_total` | counter | | requests that waited for the verification of another |
//! | `countersign_cache_stale_total` | counter | | answers past their life that served because a verifier had none |
//! | `countersign_cache_revocations_total` | counter | | revocations |
//! | `countersign_cache_entries` | gauge | | credentials that are remembered |
//! | `countersign_copies_in_touch` | gauge | | 1 where this copy hears of what others [revoke](crate::cache::copies), else 0 |
//! | `countersign_copies_lost_touch_total` | counter | | times that it no longer did |
//! | `countersign_issuer_keys` | gauge | `issuer` | keys of an issuer that can be used, with the feature `remote` |
//! | `countersign_issuer_fetches_total` | counter | `issuer`, `outcome` | times that an issuer was asked for its keys |
//!
//! Worth an alarm: `rejections_total{reason="unavailable"}` and `{reason="misconfigured"}` at all, `{reason="bad_credential"}` and
//! `{reason="too_many_tries"}` where they rise, and `queued` where it does not fall.
//!
//! # A dashboard
//! `core/src/observe/dashboard.json` shows all of them in Grafana: import it, and choose the Prometheus that gathers from your recorder. Those worth an alarm
//! have a panel of their own.

pub mod audit;
pub mod health;
pub(crate) mod meter;
pub(crate) mod span;
pub(crate) mod why;

pub use self::{audit::AuditEvent, health::Health};
