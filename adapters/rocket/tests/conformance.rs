//! The cases of the conformance crate, over a real Rocket server.

mod harness;

use harness::OnRocket;

countersign_conformance::suite!(OnRocket);
