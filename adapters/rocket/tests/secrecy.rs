//! What Rocket and everything inside it writes while the cases run. In a process of its own: it subscribes to all that is logged.

mod harness;

use harness::OnRocket;

#[test]
fn no_secret_is_written_at_any_level_l1() {
    countersign_conformance::no_secret_is_written::<OnRocket>();
}
