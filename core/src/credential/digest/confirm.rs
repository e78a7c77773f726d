//! What is left to judge of an answer once its head is found good: the body, the age of the nonce, and the count.

use std::sync::Arc;

use super::{Digest, DigestCredential};
use crate::{
    credential::{Confirm, Confirmation, Confirming},
    observe::why::say,
    principal::Binding,
    request::RequestView,
    response::Advice,
    secret::Secret,
    store::First,
};

/// What the verifier hands over: the answer, and the key that it is right by, or with a body may be.
pub(super) struct Accepted {
    pub(super) credential: DigestCredential,
    pub(super) key: Secret,
}

impl Confirm for Digest {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let Some(Accepted { credential, key }) = binding.proof::<Accepted>() else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        if credential.with_body && !request.body().is_some_and(|body| credential.is_right(key, Some(body))) {
            return Box::pin(async {
                Confirmation::not_shown_since("the body is not what its response covers, or its password is wrong")
            });
        }
        if !credential.is_live {
            say("its nonce is past its life, and it is told so (stale)");
            return Box::pin(async { Confirmation::NotShown(Advice::new().with_token("stale", "true")) });
        }
        let (counts, scope) =
            (Arc::clone(&self.counts), format!("digest {}", crate::verifier::Signed::signer(credential)));
        let (nonce, count, until) = (credential.nonce.clone(), credential.count, credential.nonce_ends);
        // The body of the response is not at hand, so that the server's own proof covers none.
        let proof = credential.response_by(key, "", "auth", None);
        let cnonce = credential.cnonce.replace('\\', "\\\\").replace('"', "\\\"");
        let proof = format!("qop=auth, rspauth=\"{proof}\", cnonce=\"{cnonce}\", nc={}", credential.nc);
        Box::pin(async move {
            match counts.first(&scope, nonce.as_bytes(), count, until).await {
                First::New => Confirmation::Shown(vec![("authentication-info", proof)]),
                other => other.confirmation(),
            }
        })
    }

    fn needs_body(&self, binding: &Binding, _: &RequestView<'_>) -> bool {
        binding.proof::<Accepted>().is_some_and(|accepted| accepted.credential.with_body)
    }
}
