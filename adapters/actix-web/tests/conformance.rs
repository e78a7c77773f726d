//! The cases of the conformance crate, over a real actix-web server.

mod harness;

use harness::ActixWeb;

countersign_conformance::suite!(ActixWeb);
