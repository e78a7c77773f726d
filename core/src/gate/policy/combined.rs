//! Policies made of policies: [`any_of`] and [`all_of`].

use super::{Asking, Decision, Policy};
use crate::{gate::grant::Grant, request::RequestView};

/// Whoever satisfies one of these policies, a tuple of up to six. A fault in one of them counts as a fault of all, unless an
/// earlier one permits.
#[must_use]
pub fn any_of<T>(policies: T) -> AnyOf<T> {
    AnyOf(policies)
}

/// Whoever satisfies all of these policies, a tuple of up to six.
#[must_use]
pub fn all_of<T>(policies: T) -> AllOf<T> {
    AllOf(policies)
}

/// See [`any_of`].
#[derive(Debug, Clone, Copy)]
pub struct AnyOf<T>(T);

/// See [`all_of`].
#[derive(Debug, Clone, Copy)]
pub struct AllOf<T>(T);

/// The first of all decisions that is neither a permit nor open; else open, if one is.
fn first_objection(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    let mut open = Decision::Permit;
    for decision in decisions {
        match decision {
            Decision::Permit => {}
            Decision::Ask => open = Decision::Ask,
            objection => return objection,
        }
    }
    open
}

/// A permit if there is one before any fault; else the fault; else open, if one is; else a stronger sign-in, which would help; else the
/// missing scopes if scopes are all that is missing.
fn first_permit(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    let mut objection = None;
    for decision in decisions {
        match (decision, &objection) {
            (settled @ (Decision::Permit | Decision::Misconfigured(_)), _) => return settled,
            (open @ Decision::Ask, _) => objection = Some(open),
            (first, None) => objection = Some(first),
            (_, Some(Decision::Ask | Decision::StepUp(_))) | (Decision::MissingScopes(_), Some(_)) => {}
            (other, Some(_)) => objection = Some(other),
        }
    }
    objection.unwrap_or(Decision::Deny)
}

/// Asks those that are open, one after the other, until `settles` says that one of them settles it. `of` makes one decision of what is
/// known by then.
fn ask_each<P: 'static>(
    policies: &[&dyn Policy<P>],
    grant: &Grant<P>,
    request: &RequestView<'_>,
    settles: fn(&Decision) -> bool,
    of: fn(Vec<Decision>) -> Decision,
) -> Option<Asking> {
    let mut known = Vec::new();
    let mut open = Vec::new();
    for policy in policies {
        match policy.judge(grant, request) {
            Decision::Ask => open.push(policy.ask(grant, request)?),
            decision => known.push(decision),
        }
    }
    Some(Box::pin(async move {
        for asking in open {
            let decision = asking.await?;
            if settles(&decision) {
                return Ok(decision);
            }
            known.push(decision);
        }
        Ok(of(known))
    }))
}

fn described<P: 'static>(policies: &[&dyn Policy<P>], between: &str) -> String {
    let all: Vec<_> = policies.iter().map(|policy| policy.describe()).collect();
    format!("({})", all.join(between))
}

macro_rules! combinations {
    ($(($($policy:ident)+))+) => { $(
        #[expect(non_snake_case, reason = "type and value of a tuple's member share a name")]
        impl<Principal: 'static, $($policy: Policy<Principal>),+> Policy<Principal> for AllOf<($($policy,)+)> {
            fn judge(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Decision {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                first_objection(all.iter().map(|policy| policy.judge(grant, request)))
            }

            fn ask(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Option<Asking> {
                let ($($policy,)+) = &self.0;
                ask_each(&[$($policy),+], grant, request, |decision| *decision != Decision::Permit, first_objection)
            }

            fn describe(&self) -> String {
                let ($($policy,)+) = &self.0;
                described(&[$($policy),+], " and ")
            }

            fn scopes(&self) -> Vec<String> {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                let mut scopes: Vec<String> = Vec::new();
                for scope in all.iter().flat_map(|policy| policy.scopes()) {
                    if !scopes.contains(&scope) {
                        scopes.push(scope);
                    }
                }
                scopes
            }
        }

        #[expect(non_snake_case, reason = "type and value of a tuple's member share a name")]
        impl<Principal: 'static, $($policy: Policy<Principal>),+> Policy<Principal> for AnyOf<($($policy,)+)> {
            fn judge(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Decision {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                first_permit(all.iter().map(|policy| policy.judge(grant, request)))
            }

            fn ask(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Option<Asking> {
                let ($($policy,)+) = &self.0;
                ask_each(&[$($policy),+], grant, request, |decision| *decision == Decision::Permit, first_permit)
            }

            fn describe(&self) -> String {
                let ($($policy,)+) = &self.0;
                described(&[$($policy),+], " or ")
            }

            /// Those of the first that asks for any: no client needs the others as well.
            fn scopes(&self) -> Vec<String> {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                all.iter().map(|policy| policy.scopes()).find(|scopes| !scopes.is_empty()).unwrap_or_default()
            }
        }
    )+ };
}

combinations! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Scopes;

    fn missing(name: &str) -> Decision {
        Decision::MissingScopes(Scopes::of([name]).unwrap())
    }

    #[test]
    fn all_report_the_first_objection() {
        let fault = Decision::Misconfigured("x".into());
        for (decisions, expected) in [
            (vec![Decision::Permit, Decision::Permit], Decision::Permit),
            (vec![Decision::Permit, Decision::Deny, missing("a")], Decision::Deny),
            (vec![missing("a"), Decision::Deny], missing("a")),
            (vec![Decision::Permit, fault.clone()], fault.clone()),
            (vec![Decision::Ask, Decision::Permit], Decision::Ask),
            (vec![Decision::Ask, Decision::Deny], Decision::Deny),
        ] {
            assert_eq!(first_objection(decisions.clone()), expected, "{decisions:?}");
        }
    }

    #[test]
    fn any_needs_one_permit_and_hides_no_fault() {
        let fault = Decision::Misconfigured("x".into());
        for (decisions, expected) in [
            (vec![Decision::Deny, Decision::Permit], Decision::Permit),
            (vec![Decision::Permit, fault.clone()], Decision::Permit),
            (vec![fault.clone(), Decision::Permit], fault.clone()),
            (vec![Decision::Deny, fault.clone()], fault.clone()),
            (vec![missing("a"), missing("b")], missing("a")),
            (vec![missing("a"), Decision::Deny], Decision::Deny),
            (vec![Decision::Deny, missing("a")], Decision::Deny),
        ] {
            assert_eq!(first_permit(decisions.clone()), expected, "{decisions:?}");
        }
    }
}
