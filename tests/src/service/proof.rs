//! A kind whose grants may be bound to what takes a while to confirm.

use countersign::{
    CredentialCache, Extract, Handle, RequestView, Unavailable,
    credential::{Confirm, Confirmation, Confirming, Occurrences, Raw},
    principal::Binding,
    request::Field,
    response::Challenge,
};

use super::people::Patience;

/// Another kind, confirmed by the field `X-Proof`: `good` shows what a grant is bound to, and with `outage` nobody knows. With `revoked` it
/// is shown, and everything of emily's is revoked meanwhile.
pub(super) struct Proved<K> {
    kind: K,
    proof: Proof,
}

struct Proof {
    field: Field,
    cache: CredentialCache,
}

impl<K> Proved<K> {
    pub(super) fn of(kind: K, cache: CredentialCache) -> Self {
        let field = "x-proof".parse().expect("a token");
        Self { kind, proof: Proof { field, cache } }
    }
}

impl Confirm for Proof {
    fn confirm(&self, _: &Binding, request: &RequestView<'_>) -> Confirming {
        let revokes = request.field(&self.field, 0) == Some(b"revoked");
        let confirmation = match request.field(&self.field, 0) {
            Some(b"revoked") => Confirmation::shown(),
            Some(b"good") => Confirmation::Shown(vec![("authentication-info", "proof=good".to_owned())]),
            Some(b"outage") => Confirmation::Unavailable(Unavailable::because("the proof cannot be looked up")),
            _ => Confirmation::not_shown(),
        };
        let cache = self.cache.clone();
        Box::pin(async move {
            let confirmation = late(confirmation).await;
            if revokes {
                cache.revoke(Handle::subject("emily"));
            }
            confirmation
        })
    }
}

/// This, a while later.
pub(super) async fn late<T: Send + 'static>(answer: T) -> T {
    Patience::short().await;
    answer
}

impl<K: Extract> Extract for Proved<K> {
    type Credential = K::Credential;

    fn scheme(&self) -> &str {
        self.kind.scheme()
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        self.kind.locate(request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<K::Credential> {
        self.kind.read(raw)
    }

    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge> {
        self.kind.challenges(request)
    }

    fn fields(&self) -> Vec<Field> {
        self.kind.fields()
    }

    fn parameter(&self) -> Option<&str> {
        self.kind.parameter()
    }

    fn subprotocol(&self) -> Option<&str> {
        self.kind.subprotocol()
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(&self.proof)
    }

    fn check(&self) -> Vec<String> {
        self.kind.check()
    }
}
