//! An endpoint that waits until it is told to go on.

use std::{sync::Arc, time::Duration};

use countersign::{
    Gate, Reply,
    mint::{endpoint::Endpoint, sign_in::SignIn},
};
use tokio::{sync::Notify, time::timeout};

use super::{
    ledger::Ledger,
    people::{Names, Person},
};

/// Longer than any case waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says in the ledger when it has begun and when it has ended; in between it waits.
pub(super) fn endpoint(gate: &Gate<Person>, ledger: &Arc<Ledger>, go_on: &Arc<Notify>) -> Endpoint<Person> {
    let (ledger, go_on) = (Arc::clone(ledger), Arc::clone(go_on));
    let names = Arc::new(Names::new(Arc::clone(&ledger)));
    SignIn::at(gate).then(names, move |_| {
        let (ledger, go_on) = (Arc::clone(&ledger), Arc::clone(&go_on));
        async move {
            ledger.handler_ran("/leaving begins");
            let _ = timeout(PATIENCE, go_on.notified()).await;
            ledger.handler_ran("/leaving ends");
            Ok(Reply::new(204))
        }
    })
}
