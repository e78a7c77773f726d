//! Why a gate refuses, in words for the log.

use std::borrow::Cow;

use super::{Gate, grant::Grant, policy::Anyone};
use crate::{
    credential::Occurrences,
    observe::why::worded,
    principal::{Binding, Scopes},
    request::{RequestView, field},
};

impl<P: Send + Sync + 'static> Gate<P> {
    /// What the policy asks for and what there is, for the log.
    pub(super) fn objection(&self, grant: &Grant<P>, missing: Option<&Scopes>) -> Cow<'static, str> {
        worded("the policy says no", || {
            let policy = self.demands.policy.as_ref().map(|policy| policy.describe());
            let typed = self.typed.as_ref().filter(|typed| typed.name != std::any::type_name::<Anyone>());
            let demand = typed.map(|typed| format!("the demand {}", typed.name));
            let asked: Vec<_> = policy.into_iter().chain(demand).collect();
            let missing = missing.map(|missing| format!(", and lacks {missing:?}")).unwrap_or_default();
            let (roles, scopes) = (grant.roles(), grant.scopes());
            format!(
                "it asks for {}; the caller has the roles {roles:?} and the scopes {scopes:?}{missing}",
                asked.join(" and ")
            )
        })
    }

    /// What came along that is not taken here, for the log.
    pub(super) fn nothing_taken(&self, takes: &[usize], request: &RequestView<'_>) -> Cow<'static, str> {
        const NOTHING: &str = "there is none of the kinds that are taken";
        worded(NOTHING, || {
            let others = self.shared.schemes.iter().enumerate().filter(|(place, _)| !takes.contains(place));
            let found = others.filter(|(_, scheme)| {
                let mut found = Occurrences::default();
                scheme.locate(request, &mut found);
                found.count() > 0
            });
            match found.map(|(_, scheme)| scheme.name()).collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => NOTHING.to_owned(),
                others => format!("{NOTHING}; there is {others}, which this route does not take"),
            }
        })
    }

    /// How often each kind stands in the request, for the log.
    pub(super) fn what_was_found(&self, takes: &[usize], request: &RequestView<'_>) -> Cow<'static, str> {
        worded("there is more than one", || {
            let counted = takes.iter().filter_map(|place| self.shared.schemes.get(*place)).filter_map(|scheme| {
                let mut found = Occurrences::default();
                scheme.locate(request, &mut found);
                (found.count() > 0).then(|| format!("{} {}", found.count(), scheme.name()))
            });
            let fields = request.fields(&field::AUTHORIZATION).count();
            format!(
                "there is more than one: {}, in {fields} fields `Authorization`",
                counted.collect::<Vec<_>>().join(", ")
            )
        })
    }
}

/// What a request did not show.
pub(super) fn not_shown(binding: &Binding) -> &'static str {
    match binding {
        Binding::Agent(_) => "its `User-Agent` is not the one that it is bound to",
        Binding::AddressPrefix { .. } => "its address is not in the network that it is bound to",
        Binding::Certificate(_) => "the client shows no certificate, or another than the one that it is bound to",
        Binding::KeyThumbprint(_) => "the key that it is bound to is not shown",
        Binding::Nothing | Binding::Proof(_) | Binding::All(_) => "what it is bound to is not shown",
    }
}
