//! What every store promises: one test per sentence of [`Store`]'s documentation. A store brings a
//! [`Place`], and [`behaviour!`] makes the tests.

pub(super) mod acquiring;
pub(super) mod auditing;
pub(super) mod budgets;
pub(super) mod committing;
pub(super) mod dying;
pub(super) mod holding;
pub(super) mod installing;
pub(super) mod meta;
pub(super) mod promoting;
pub(super) mod quarantine;
pub(super) mod sharing;
pub(super) mod sparing;
pub(super) mod watching;
mod world;

use std::sync::Arc;

use async_trait::async_trait;

pub(super) use world::World;

use super::*;
use crate::Clock;

/// Where a test's store lives: its own, empty at first, and gone when this is dropped or closed.
#[async_trait]
pub(super) trait Place: Send + Sync {
    /// Another handle on it, as another process has one. Handles of one test share their clock.
    async fn open(&self, clock: &Clock) -> Arc<dyn Store>;

    /// Removes it.
    async fn close(&self) {}
}

/// Makes the tests of one place: `behaviour!(make)`, where `make().await` answers an
/// `Option<impl Place>`, none if it cannot be tried here.
macro_rules! behaviour {
    ($make:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn many_openers_make_one_schema() {
            let Some(place) = $make().await else { return };
            $crate::store::behaviour::meta::many_openers_make_one_schema(&place).await;
            $crate::store::behaviour::Place::close(&place).await;
        }

        $crate::store::behaviour::tests_of! { $make;
            meta: environment_is_made_once, meta_is_set_only_over_what_is_expected,
                values_of_meta_are_apart, a_grant_is_made_once, a_grant_without_a_pair_is_none,
                grants_are_listed_by_number, rewrap_needs_the_old_key,
                the_address_is_for_people;
            installing: a_primary_makes_the_grant_active, a_second_primary_takes_its_place,
                a_former_primary_can_stay_as_a_spare, installing_again_changes_nothing,
                a_current_token_is_known, a_spent_token_is_known, a_token_is_claimed_once,
                a_known_token_stays_known_when_asked_again, spares_do_not_change_what_readers_get,
                a_spare_too_many_replaces_the_one_that_dies_first, chains_are_listed_primary_first,
                one_of_two_installs_of_a_token_wins, transfer_keeps_the_number,
                transfer_needs_a_user_without_a_grant, transfer_again_keeps_a_newer_pair,
                an_unknown_grant_takes_nothing;
            acquiring: begin_takes_a_free_chain, begin_again_is_true,
                begin_needs_the_current_pair, begin_needs_a_free_chain,
                begin_waits_for_the_pause_to_end, begin_takes_an_ambiguous_chain_and_counts,
                begin_refuses_a_doubted_chain, begin_refuses_a_dead_chain,
                begin_refuses_an_inactive_grant, begin_takes_a_suspended_grant,
                begin_refuses_a_lease_that_is_over, begin_of_an_unknown_chain_is_false,
                begin_refuses_a_pair_with_a_known_successor,
                one_of_sixteen_begins_wins, take_over_of_an_intent_needs_its_lease_over,
                take_over_of_a_sent_attempt_needs_the_hold_back, take_over_needs_the_right_attempt,
                take_over_needs_the_current_pair, take_over_of_a_free_chain_is_false,
                one_of_sixteen_take_overs_wins, a_taken_over_attempt_is_not_confirmed;
            holding: a_lease_counts_on_the_stores_clock, confirm_needs_the_holder,
                confirm_needs_enough_of_the_lease, confirm_again_is_true, extend_moves_the_end,
                extend_needs_the_holder, testimony_frees_an_intent,
                testimony_leaves_a_sent_attempt_ambiguous, testimony_needs_the_holder,
                settling_needs_the_holder, released_is_free_after_the_pause,
                ambiguous_is_not_tried_before_the_pause,
                an_ambiguous_chain_that_is_let_go_stays_ambiguous, a_verdict_can_change_the_status,
                refused_is_doubted, a_verdict_again_changes_nothing;
            committing: a_commit_replaces_the_pair, a_commit_again_is_current,
                a_commit_needs_no_lease, a_commit_wins_over_another_holder,
                a_commit_cures_every_state, a_commit_heals_the_status,
                a_commit_leaves_an_uninstalled_grant, a_commit_of_a_spare_changes_no_generation,
                a_late_commit_revives_a_retired_chain_as_a_spare,
                a_late_commit_brings_back_a_grant_that_was_given_up,
                a_spare_whose_doubt_ends_brings_its_grant_back, an_answer_without_its_parent_is_kept,
                an_orphan_waits_for_its_parent, an_orphan_of_an_unknown_grant_is_kept,
                an_answer_may_leave_the_refresh_token_in_force, generations_grow_under_concurrency;
            dying: bury_needs_a_doubt, bury_needs_the_current_pair,
                bury_waits_for_other_nodes, a_node_is_heard_when_it_has_attended_to_its_summons,
                bury_does_not_wait_for_itself, bury_does_not_wait_for_forgotten_nodes,
                bury_stops_waiting_after_the_hold_back, a_dead_primary_needs_reauthorization,
                a_living_spare_keeps_the_grant_active, a_doubted_spare_is_no_hope,
                a_grant_whose_chains_died_one_by_one_needs_reauthorization,
                a_doubt_is_over_with_a_commit;
            promoting: promote_takes_the_spare_that_lives_longest, promote_needs_an_idle_spare,
                promote_needs_a_failed_primary, promote_takes_over_from_a_silent_holder,
                promote_makes_the_grant_active, promote_again_changes_nothing,
                promote_leaves_an_uninstalled_grant;
            budgets: an_hour_holds_so_many, a_day_holds_so_many, an_application_holds_so_many,
                zero_is_unlimited, take_over_is_counted_too, only_what_was_sent_counts,
                budgets_are_shared;
            quarantine: another_epoch_is_quarantined, quarantine_stops_begin_and_take_over,
                quarantine_stops_what_was_begun_before,
                release_needs_the_current_pair, a_commit_ends_quarantine, new_pairs_are_free_of_it;
            watching: summons_go_to_all_for_a_doubt, summons_go_to_the_node_of_a_silent_attempt,
                due_chains_come_most_urgent_first, due_chains_are_given_to_their_application, due_chains_are_given_once,
                due_chains_come_again, due_leaves_out_what_cannot_be_kept_alive, due_chains_are_free_again,
                due_again_when_a_grant_becomes_active, changes_show_each_grant_once,
                changes_come_oldest_first, a_wake_follows_a_change, prune_forgets_what_is_past_keeping,
                prune_keeps_what_is_needed;
            auditing: every_change_is_audited, the_audit_is_a_chain, two_chains_share_one_audit,
                the_audit_is_read_from_any_number;
            sharing: a_bucket_gives_what_it_has_room_for, a_bucket_leaks,
                a_bucket_is_one_for_all_processes, a_refusal_fills_a_bucket,
                portals_have_buckets_of_their_own;
            sparing: the_spare_that_just_came_stays;
        }
    };
}

/// Expands [`behaviour!`]'s list.
macro_rules! tests_of {
    ($make:path; $($module:ident: $($test:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let Some(place) = $make().await else { return };
                let world = $crate::store::behaviour::World::new(place).await;
                $crate::store::behaviour::$module::$test(&world).await;
                world.close().await;
            }
        )+)+
    };
}

pub(super) use {behaviour, tests_of};
