//! The cases, one file for each thing they are about, and the one list of them.
//!
//! A case that is missing from the list is dead code, so the compiler tells.

mod ambiguity;
mod answers;
mod bodies;
mod challenges;
mod connections;
mod cookies;
mod covered;
mod form;
mod guards;
mod handed_out;
mod origins;
mod outages;
mod policies;
mod presence;
mod queries;
mod resources;
mod routing;
mod signed;
mod sizes;

use crate::lab::Lab;

/// A case: its group, its name, itself.
type Case = (&'static str, &'static str, fn(&Lab));

/// Every case.
pub(crate) const CASES: &[Case] = crate::__every_case! { [crate::__table] [] };

/// Hands the list of all cases to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __every_case {
    ([$($then:tt)*] [$($argument:tt)*]) => { $($then)* ! { [$($argument)*]
        presence {
            an_open_route_looks_at_no_credential
            nobody_is_asked_for_every_scheme_in_order_h6_h7
            a_name_and_its_password_are_admitted
            a_bearer_token_is_admitted
            a_key_in_its_header_is_admitted
            a_key_behind_its_keyword_is_admitted
            an_unknown_scheme_counts_as_absent_h8
            an_unknown_scheme_hides_no_good_key_h8
            an_empty_authorization_counts_as_absent
            a_keyword_alone_is_a_wrong_credential_h3
            a_kind_that_the_route_does_not_take_counts_as_absent
            only_the_kind_that_the_route_takes_is_admitted
            a_visitor_may_be_nobody
            a_visitor_with_a_wrong_credential_is_refused_h8
            a_guard_that_lets_anonymous_callers_in_refuses_wrong_ones_h8
            the_end_of_a_credential_is_told
            an_ended_credential_is_refused
            head_is_answered_like_get
            http_1_0_is_answered
            an_absolute_target_is_the_same_route
            a_parameter_of_another_name_is_no_credential
        }
        form {
            a_scheme_is_named_in_any_case_h1
            spaces_before_a_credential_do_not_matter_h1
            a_tab_before_a_credential_is_malformed
            blanks_around_a_field_do_not_matter_h1
            a_field_is_named_in_any_case_h1
            base64_is_strict_h4
            a_name_without_a_colon_is_malformed_h4
            an_empty_password_is_a_password_h4
            an_empty_name_is_nobody_h4
            the_first_colon_divides_h4
            names_and_passwords_are_utf_8_h4
            control_characters_are_malformed_h4
            a_keyword_is_stripped_once_h5
            a_token_with_odd_characters_is_malformed_h3
            a_token_that_is_not_utf_8_is_malformed_h3
            a_visitor_with_a_token_that_is_not_utf_8_is_refused_h3
            a_key_that_is_not_utf_8_is_malformed_h3
            another_field_that_is_not_utf_8_hides_nothing
            two_credentials_in_one_field_are_malformed
            an_empty_key_is_malformed
            an_unknown_name_reads_like_a_wrong_password
            similar_tokens_are_not_the_token
            a_host_that_is_named_twice_is_refused
            a_host_that_is_none_is_refused
        }
        ambiguity {
            authorization_twice_is_refused_h2
            authorization_twice_in_two_spellings_is_refused_h2
            authorization_twice_of_an_unknown_scheme_is_refused_h2
            authorization_twice_is_refused_where_no_bearer_is_taken_h2
            a_key_twice_is_refused
            a_key_in_both_its_places_is_refused
            two_kinds_are_refused_in_whatever_order
            two_kinds_are_refused_though_one_is_wrong
            a_kind_that_the_route_does_not_take_makes_no_ambiguity
            a_visitor_with_two_credentials_is_refused
            two_credentials_are_refused_before_either_is_verified
            authorization_twice_not_utf_8_is_refused
        }
        sizes {
            a_credential_of_8_kib_is_looked_at
            a_credential_of_a_byte_more_is_refused
            a_gate_may_be_told_to_look_at_longer_ones
            a_long_credential_of_a_kind_not_taken_is_absent
            a_long_credential_is_refused_before_an_ambiguity
            a_visitor_with_a_long_credential_is_refused
            a_head_of_a_megabyte_harms_nobody
            a_target_of_a_megabyte_harms_nobody
            a_thousand_fields_harm_nobody
            a_folded_line_is_never_half_read
            bytes_that_no_field_may_hold_reach_no_handler
            a_request_line_that_is_none_reaches_no_handler
            two_lengths_of_a_body_reach_no_handler
        }
        challenges {
            a_wrong_token_is_told_so_h7
            a_wrong_password_is_told_no_error_h7
            a_wrong_key_is_told_no_error_h7
            a_missing_scope_is_named_h7
            a_missing_role_is_not
            a_script_is_not_asked_for_a_password
            a_script_is_asked_for_a_password_where_nothing_else_is_left
            a_page_that_is_opened_is_asked_for_a_password
            every_scheme_has_a_field_of_its_own_h6
            a_page_of_the_app_changes_neither_status_nor_challenges
        }
        cookies {
            a_session_is_admitted
            a_session_is_looked_up_once
            a_session_is_looked_up_once_for_many_at_once
            a_session_beside_an_explicit_credential_is_not_looked_at
            a_session_twice_is_refused_c2
            a_refused_session_is_cleared
            a_cookie_of_a_sibling_hides_nothing_c5
            a_value_that_was_signed_for_another_cookie_is_refused_c1
            an_altered_session_is_refused
            an_ended_session_is_refused_c3
            another_site_cannot_act_for_a_session
            a_site_that_cannot_be_told_cannot_act_for_a_session
            another_site_may_look
            another_site_may_act_with_an_explicit_credential
            a_browser_is_sent_to_sign_in
            a_browser_with_a_wrong_password_is_not_sent_to_sign_in
            a_script_that_prefers_html_is_neither_sent_to_sign_in_nor_shown_a_page
            a_session_of_more_than_8_kib_is_refused
            a_session_for_tls_is_nothing_without
        }
        origins {
            another_site_cannot_act_by_a_name_and_a_password
            another_site_may_look_by_a_name_and_a_password
            another_site_is_refused_after_a_wrong_password_and_before_a_missing_scope
            a_page_that_withholds_its_origin_may_act_on_its_own_site
            a_trusted_origin_may_act
            another_site_opens_no_websocket_by_what_a_browser_sends
            another_site_does_not_pass_by_a_form_that_names_a_method
            an_absolute_target_says_which_host_is_asked
            a_host_that_is_not_named_once_is_nobodys_origin
        }
        queries {
            a_token_in_the_query_is_admitted
            a_token_in_the_query_counts_on_get_and_head_alone
            a_token_in_the_query_is_named_and_sent_percent_encoded
            a_token_in_the_query_and_in_a_field_is_refused
            a_wrong_token_in_the_query_is_refused
            a_token_in_the_query_is_taken_out_of_the_uri
            a_query_without_a_token_is_left_as_it_is
        }
        resources {
            a_resource_leads_to_its_metadata_and_a_path_below_to_its_own
            the_metadata_says_what_the_guards_enforce
            who_goes_by_the_metadata_is_let_in_there_and_nowhere_else
        }
        policies {
            a_scope_opens_its_route
            a_role_opens_its_route
            any_of_two_will_do
            all_of_two_must_hold
            the_subject_opens_what_is_theirs
            a_subject_is_compared_exactly
            a_subject_is_compared_with_the_decoded_parameter
            a_policy_of_the_app_sees_the_head
            a_demand_by_type_opens_its_route
            a_demand_by_type_lets_a_visitor_be_nobody
            a_policy_on_a_parameter_that_is_not_there_is_a_fault
            a_fault_is_not_told_to_strangers
            a_handler_may_allow_by_itself
            a_handler_that_allows_by_itself_asks_strangers_first
            a_policy_is_asked_after_the_verifier
            a_policy_that_asks_is_waited_for
            a_handler_may_ask_again
        }
        outages {
            an_outage_is_503_h9
            an_outage_is_503_for_a_visitor_h9
            an_outage_is_503_before_any_policy_h9
            a_late_outage_is_503_h9
            an_outage_is_not_remembered_h9
            a_verifier_that_panics_is_503_once
            a_verifier_that_panics_late_is_503_once
            a_bound_grant_that_nothing_confirms_is_refused
            a_grant_bound_to_an_address_is_admitted_from_there_alone
            a_grant_bound_to_an_agent_is_admitted_with_it_alone
            a_grant_that_is_confirmed_late_is_admitted_then_alone
            what_is_revoked_before_it_is_used_is_begun_again
            a_slow_yes_is_a_yes
            a_client_that_leaves_meanwhile_harms_nobody
            who_leaves_while_something_is_changed_has_changed_it
        }
        bodies {
            a_good_body_of_a_good_caller_is_read
            a_bad_body_of_a_good_caller_is_the_frameworks
            a_bad_body_of_a_stranger_is_not_read_h11
            a_bad_body_without_the_scope_is_not_read_h11
            a_bad_body_beside_a_slow_verifier_is_not_read_h11
            a_bad_body_in_an_outage_is_not_read_h11
            a_body_that_never_comes_is_not_waited_for_h11
            a_body_is_not_asked_for_from_a_stranger_h11
            a_refused_body_is_not_the_next_request
            a_limit_of_the_framework_holds
            a_limit_of_the_framework_is_not_told_to_strangers
            a_streamed_body_arrives
            a_body_in_chunks_arrives
            a_streamed_body_of_a_stranger_is_refused_at_once
            a_body_without_end_is_not_read_on
            a_streamed_answer_arrives
            a_streamed_answer_is_refused_like_any_other
        }
        covered {
            a_body_that_is_covered_is_handed_on_as_it_came
            a_body_that_nothing_covers_is_left_alone
            trailers_pass_beside_no_covered_body
            another_body_than_the_covered_one_is_refused
            a_covered_body_is_read_up_to_a_bound
            a_body_is_not_read_for_a_head_that_is_wrong
            a_guard_that_cannot_read_a_covered_body_is_a_fault
            the_target_is_covered_as_it_was_sent
            the_names_of_all_fields_are_covered
        }
        signed {
            hawk_passes_once
            an_amazon_signature_passes_once
            oauth_1_passes_once
            an_answer_of_digest_passes_once
            a_message_signature_passes_once
            a_token_of_wsse_passes_once
            a_token_with_proof_passes_once
            a_cookie_of_flask_is_admitted
        }
        handed_out {
            a_sealed_token_is_opened
            a_session_is_bound_to_a_device
            of_two_tokens_one_may_act_over_tls
            a_key_is_bound_to_its_sender
            a_token_of_a_few_seconds_is_void_at_a_word
            an_issuer_ends_its_sessions
        }
        connections {
            a_connection_remembers_nobody
            requests_in_one_breath_are_answered_each_for_itself
            half_a_connection_is_enough_for_an_answer
            a_head_in_single_bytes_is_read_like_any_other
            callers_at_the_same_time_are_not_mixed_up
            heads_that_never_end_keep_nobody_else_waiting
            bodies_that_never_end_keep_nobody_else_waiting
            who_has_said_all_there_is_hears_the_answer
            a_websocket_opens_for_a_known_caller
            a_websocket_does_not_open_for_a_stranger
            a_websocket_does_not_open_for_a_wrong_credential
            a_websocket_opens_by_a_token_in_a_subprotocol
            a_token_in_a_subprotocol_that_cannot_count_opens_no_websocket
            a_token_in_a_subprotocol_is_taken_out_of_every_request
        }
        answers {
            a_key_makes_the_answer_private_h10
            a_name_or_token_makes_the_answer_vary_h10
            an_optional_answer_varies_though_nobody_asked_h10
            an_open_answer_is_left_alone
            a_cache_control_of_the_app_is_kept_h10
            a_vary_of_the_app_is_kept_h10
            a_cookie_of_the_app_is_kept_beside_one_that_is_cleared
            a_refusal_is_not_stored_h10
            a_preflight_passes_without_a_credential_h10
            a_refusal_keeps_its_cors_headers_h10
            an_admission_keeps_its_cors_headers_h10
            another_origin_gets_no_cors_headers_h10
        }
        guards {
            whoever_the_handler_sees_is_whom_every_guard_in_front_admitted
        }
        routing {
            an_unknown_path_is_404_for_strangers
            another_method_is_refused_before_the_guard
            a_form_does_not_choose_the_method_around_a_guard
            no_spelling_of_a_path_opens_its_route
            a_closed_path_is_closed
            a_closed_path_is_open_to_a_known_caller
            a_closed_path_has_an_open_exception
            an_exception_is_a_pattern_and_not_a_prefix
            nothing_below_a_closed_path_is_not_found_by_strangers
            several_closed_paths_add_up
            the_page_to_sign_in_at_is_open_below_a_closed_path
            a_preflight_that_anybody_can_forge_opens_no_closed_path
            a_second_guard_verifies_nothing_again
            an_answer_for_one_scheme_opens_no_route_of_another
            a_guard_for_anybody_does_not_open_one_for_somebody
            a_guard_further_in_sees_whom_the_one_further_out_saw_or_nobody
            an_option_swallows_no_refusal_f4
            a_result_swallows_no_refusal_f4
            a_service_is_polled_ready_f1
        }
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table {
    ([] $($group:ident { $($case:ident)* })*) => {
        &[$($((stringify!($group), stringify!($case), $group::$case),)*)*]
    };
}

#[cfg(test)]
mod tests {
    use super::CASES;

    #[test]
    fn there_are_at_least_ninety_and_no_two_of_a_name() {
        assert!(CASES.len() >= 90, "{}", CASES.len());
        let mut names: Vec<_> = CASES.iter().map(|(_, name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CASES.len());
    }
}
