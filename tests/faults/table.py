"""The fault table: which tests inject a fault, and who hears of it. docs/design.md and docs/reliability.md show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the fault table.

    `tests`: as `file::test`, without `test_` before the file. `told`: metrics of ours that its tests see.
    `alarms`: what on-call gets from the template.
    """

    tests: tuple[str, ...]
    told: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


def _in(file: str, *tests: str) -> tuple[str, ...]:
    return tuple(f"{file}::test_{test}" for test in tests)


ROWS = {
    "a message that nobody can read, or from the future": Row(
        _in(
            "arrivals",
            "what_nobody_can_read_alone_goes_to_the_dead_letters",
            "what_lies_in_the_future_is_a_dead_letter_and_a_clock_a_little_ahead_is_none",
            "a_batch_of_nothing_but_poison_is_done_with",
            "poison_comes_again_while_the_dead_letter_queue_does_not_take_it",
            "single_letters_that_the_queue_refuses_come_again",
        ),
        told=("DeadLetters",),
        alarms=("DeadLettersAlarm",),
    ),
    "the same event again, any way": Row(
        _in(
            "arrivals",
            "the_same_event_again_changes_nothing",
            "the_same_event_in_another_envelope_is_the_same",
            "a_replay_after_ninety_days_is_not_even_a_second_look",
        )
        + _in("at_once", "the_same_event_delivered_twice_at_once_is_asked_about_once"),
        told=("Duplicates",),
    ),
    "an event that its mapping passes over": Row(
        _in("arrivals", "what_its_mapping_passes_over_is_counted_with_its_reason"),
        told=("EventsSkipped",),
    ),
    "no campaign wants the event": Row(
        _in("arrivals", "what_no_campaign_wants_is_counted"), told=("EventsUnwanted",)
    ),
    "a broken campaign or mapping": Row(
        _in(
            "ledger_and_parameters",
            "a_broken_campaign_is_run_as_it_was_and_told_of",
            "a_broken_mapping_is_run_as_it_was_and_told_of",
        ),
        told=("BrokenCampaigns", "BrokenMappings"),
        alarms=("BrokenCampaignsAlarm", "BrokenMappingsAlarm"),
    ),
    "no campaign loads at all": Row(
        _in("ledger_and_parameters", "where_no_campaign_loads_the_batch_fails_back_and_says_why"),
        told=("RecordsFailed",),
        alarms=("NoCampaignsAlarm", "QueueAgeAlarm", "SendDueInvitationsErrorsAlarm"),
    ),
    "ledger or SSM down": Row(
        _in(
            "ledger_and_parameters",
            "what_passes_by_is_waited_out",
            "without_its_ledger_a_batch_fails_back_and_nothing_is_sent",
            "a_sweep_without_its_ledger_fails_aloud_and_the_next_one_goes_on",
            "conflicts_are_repeated",
            "keys_that_were_left_unprocessed_are_read_again",
            "a_write_whose_answer_was_lost_is_repeated_and_counts_once",
            "a_ledger_that_fails_at_any_one_call_loses_nothing_and_asks_nobody_twice",
            "a_cold_instance_without_ssm_loses_nothing",
            "a_warm_instance_bears_a_minute_without_ssm_and_then_gives_back",
            "a_sweep_without_ssm_fails_aloud_and_the_next_one_goes_on",
            "twelve_hours_are_not_enough_to_make_a_good_event_a_dead_letter",
        ),
        told=("RecordsFailed",),
        alarms=("QueueAgeAlarm", "SendDueInvitationsErrorsAlarm"),
    ),
    "provider unreachable": Row(
        _in(
            "provider_unreachable",
            "what_never_arrived_is_due_again_and_goes_out_when_the_provider_is_back",
            "after_three_times_the_breaker_is_open_for_all_instances",
            "one_probe_at_a_time_finds_the_end",
            "another_providers_invitations_are_not_delayed",
            "an_outage_is_told_of_by_what_is_overdue",
        )
        + _in("netquest", "what_never_arrived_is_due_again"),
        told=("InvitationsReleased", "InvitationsBlocked", "OverdueInvitations"),
        alarms=("ProviderDownAlarm", "OverdueInvitationsAlarm"),
    ),
    "provider 5xx or no answer": Row(
        _in(
            "provider_answers",
            "a_lost_answer_is_in_doubt_until_the_provider_has_been_asked",
            "an_answer_that_does_not_come_in_time_is_a_lost_one",
            "three_lost_answers_open_the_breaker_and_no_more_become_uncertain",
        )
        + _in(
            "netquest",
            "a_lost_answer_is_held_or_sent_again_as_the_campaign_says",
            "an_answer_that_does_not_come_in_time_is_held",
        )
        + _in(
            "resolution",
            "one_that_fits_is_ours_and_none_at_two_looks_was_never_sent",
            "another_senders_at_the_same_time_is_for_a_person_to_decide_if_it_can_be_told",
            "a_request_that_is_processed_after_its_caller_gave_up_is_never_not_sent",
            "under_its_key_a_late_request_and_its_replay_are_one",
            "a_provider_that_cannot_be_asked_for_a_day_leaves_it_to_a_person",
        ),
        told=("InvitationsUncertain", "InvitationsHeld"),
        alarms=("ProviderDownAlarm", "HeldInvitationsAlarm", "OverdueInvitationsAlarm"),
    ),
    "429, or 503 with Retry-After": Row(
        _in(
            "provider_answers",
            "the_account_waits_as_long_as_it_was_told",
            "a_429_without_a_word_waits_a_minute",
        )
        + _in("netquest", "a_429_holds_up_the_account"),
        told=("InvitationsReleased", "LanesBlocked"),
    ),
    '422 "still being sent"': Row(
        _in(
            "provider_answers",
            "while_a_survey_is_still_being_sent_it_waits",
            "a_422_without_a_reason_means_busy_while_an_earlier_one_is_on_its_way",
        ),
        told=("InvitationsReleased",),
    ),
    'Netquest "Respondents not found"': Row(
        _in(
            "netquest",
            "an_error_concerns_its_own_person_whatever_the_status",
            "who_has_unsubscribed_there_is_never_asked_again_by_any_campaign",
        ),
    ),
    'Netquest "Invitations limit has been reached"': Row(
        _in("netquest", "a_quota_that_is_used_up_closes_the_account_until_its_next_period"),
        told=("InvitationsReleased",),
        alarms=("QuotaUsedUpAlarm", "OverdueInvitationsAlarm"),
    ),
    "any other error of Netquest's": Row(
        _in("netquest", "an_error_concerns_its_own_person_whatever_the_status"),
        alarms=("HeldInvitationsAlarm",),
    ),
    "422 otherwise": Row(
        _in(
            "provider_answers",
            "a_refused_call_is_halved_until_only_the_one_who_is_at_fault_ends",
            "where_many_are_refused_the_survey_is_at_fault_and_they_are_held",
        )
        + _in("netquest", "where_many_are_refused_they_are_held"),
        told=("InvitationsEnded", "InvitationsHeld"),
        alarms=("HeldInvitationsAlarm",),
    ),
    "401, 403": Row(
        _in(
            "provider_answers",
            "a_secret_that_was_rotated_is_read_once_past_the_cache",
            "a_secret_that_stays_refused_opens_the_breaker_at_once",
            "a_secret_that_is_gone_is_told_of_and_waits",
        )
        + _in(
            "netquest",
            "a_secret_that_was_rotated_is_read_once_past_the_cache",
            "a_refused_secret_opens_the_breaker_and_nobody_is_held",
        ),
        alarms=("CredentialsRefusedAlarm", "SecretMissingAlarm", "OverdueInvitationsAlarm"),
    ),
    "killed anywhere, or out of time": Row(
        _in(
            "kills",
            "killed_around_its_call",
            "killed_with_the_call_decided_on_and_not_made",
            "killed_in_mid_call",
            "netquest_killed_in_mid_call_goes_by_the_campaigns_policy",
            "killed_before_each_of_its_writes",
            "a_sweep_killed_before_each_of_its_writes",
        )
        + _in(
            "at_once",
            "out_of_time_before_the_call_leaves_the_invitation_due",
            "out_of_time_in_mid_batch_sends_what_it_can_and_leaves_the_rest",
            "out_of_time_after_the_claim_gives_it_back",
            "a_lease_that_ran_out_in_the_claim_is_not_called_upon",
        ),
        told=("InvitationsUncertain",),
        alarms=(
            "TranslateEventsErrorsAlarm",
            "SendDueInvitationsErrorsAlarm",
            "HeldInvitationsAlarm",
        ),
    ),
    "an outage of a week": Row(
        _in("provider_unreachable", "what_expires_in_an_outage_ends_and_the_rest_goes_out"),
        alarms=("OverdueInvitationsAlarm",),
    ),
    "the schedule missed runs": Row(
        _in(
            "at_once",
            "after_a_day_without_a_schedule_the_next_run_takes_everything",
            "what_a_run_could_not_take_is_counted_as_overdue",
        ),
        told=("OverdueInvitations",),
        alarms=("OverdueInvitationsAlarm", "FollowUpScheduleDeadLettersAlarm"),
    ),
    "a row that can't be sent": Row(
        _in("at_once", "a_row_that_cannot_be_sent_is_held_after_five_looks_and_the_others_go_on"),
        told=("InvitationsHeld",),
        alarms=("HeldInvitationsAlarm",),
    ),
    "a batch or a campaign that makes a sweep fail": Row(
        _in("at_once", "a_campaign_that_makes_a_sweep_fail_does_not_stop_the_others"),
        told=("RecordsFailed",),
        alarms=("SendDueInvitationsErrorsAlarm",),
    ),
    "two at once": Row(
        _in(
            "at_once",
            "a_second_sweep_in_the_middle_of_a_call_sends_nothing",
            "two_sweeps_at_once_whichever_write_the_second_comes_before",
            "of_two_capped_campaigns_at_once_one_may_ask",
        )
    ),
    "a clock that is off": Row(
        _in(
            "at_once",
            "a_sweep_whose_clock_is_off_asks_nobody_twice",
            "a_delivery_whose_clock_is_off_loses_nothing",
            "a_clock_that_is_off_takes_no_ones_lease",
            "a_schedule_that_is_ahead_of_the_clock_is_refused",
        ),
        alarms=("DeadLettersAlarm",),
    ),
    "a refund, before or after its purchase": Row(
        _in(
            "arrivals",
            "whichever_comes_first_who_was_refunded_is_not_asked",
            "a_refund_before_a_purchase_that_is_due_at_once_stops_it",
            "a_refund_between_claim_and_call_is_seen_by_the_look_at_the_marks",
            "who_has_left_is_not_asked_whichever_comes_first",
        ),
        told=("InvitationsEnded",),
    ),
}
