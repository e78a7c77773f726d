//! The one list of the cases over HTTP/2.

use super::{Site, odd::*, slow::*, streams::*};

/// A case: its name, itself.
type Case = (&'static str, fn(&Site));

/// Every case.
pub(super) const CASES: &[Case] = crate::__every_case_of_http2! { [crate::__table_of_http2] [] };

/// Hands the list of all cases to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __every_case_of_http2 {
    ([$($then:tt)*] [$($argument:tt)*]) => { $($then)* ! { [$($argument)*]
        thousands_of_streams_get_each_their_own_answer
        streams_that_are_reset_at_once_harm_nobody
        the_authority_is_the_host_that_was_asked
        cookies_in_fields_of_their_own_are_one_jar
        a_connect_reaches_no_handler_without_a_credential
        frames_that_no_client_may_send_reach_no_handler
        heads_that_never_end_keep_nobody_else_waiting
        bodies_that_never_end_keep_nobody_else_waiting
        a_refused_body_is_not_waited_for
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table_of_http2 {
    ([] $($case:ident)*) => { &[$((stringify!($case), $case),)*] };
}
