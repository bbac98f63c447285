"""Every example of the command line's design is a test against Contoso: which one is which.

Lives here: the table. An answer's words are the glossary's; its form (a sentence, lines, JSON, the status) is tested.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

EXAMPLES: Final = {
    "status": "test_status_is_a_sentence_five_figures_and_what_needs_a_person",
    "status --exit-code": "test_status_ends_with_3_for_a_script_that_asks_for_it",
    "status --json": "test_status_for_programs_has_figures_and_needs",
    "plan": "test_plan_is_a_sentence_a_line_for_each_person_and_figures",
    "plan --policy new.yaml": "test_plan_of_another_policy_says_whom_it_would_give_what",
    "plan --json": "test_plan_for_programs_has_each_change",
    'why E00175 "Contoso UK"': "test_why_is_a_verdict_and_six_lines",
    'why E00175 "Contoso UK" --json': "test_why_for_programs_has_five_steps_and_flips",
    'why E00175 "Contoso UK" --set jobTitle=Controller --on DAY': "test_why_says_what_would_be_if_a_fact_were_another",
    'why "quentin wright"': "test_two_of_one_name_are_told_apart_and_nobody_is_chosen",
    "why qentin.wright@contoso.example --json": "test_an_unknown_person_is_an_object_with_the_nearest",
    'who "Contoso UK"': "test_who_is_a_sentence_and_a_line_for_each_who_receives_it",
    'who "Contoso UK" --on DAY': "test_who_on_a_past_day_says_how_sure_that_is",
    'who "Contoso UK" --on A DAY BEFORE THE RECORD': "test_who_on_a_day_before_the_record_says_what_is_not_known",
    'who "Contoso UK" --json': "test_who_for_programs_has_who_receives_and_who_may_see",
    "profiles --differs": "test_profiles_that_differ_are_a_table",
    "people --left": "test_people_who_left_are_a_table",
    "holds": "test_holds_are_a_table_that_ends_with_as_listed",
    "holds --json | jq -r '.holds[].id'": "test_holds_for_programs_have_ids_that_a_pipe_can_take",
    "holds release ID, the first person and the second": "test_the_first_person_proposes_and_the_second_one_confirms",
    "holds release ID --why TEXT --yes --as-listed TIME": "test_a_release_without_a_terminal_says_what_starts_now",
    "holds release ID --yes --as-listed EARLIER": "test_a_decision_about_a_world_that_moved_says_what_differs",
    "pause --why TEXT, resume": "test_a_pause_says_who_and_what_it_stops_and_resume_asks",
    "pause --why test, as a Reader": "test_what_a_reader_does_is_recorded_as_hers",
    'adopt "Contoso UK" E00008': "test_adopting_says_what_follows_from_it_and_asks",
    "reconcile E00173": "test_a_person_who_is_as_the_policy_says_is_told_so",
    "reconcile --all --watch": "test_a_full_check_now_says_what_differs_and_what_waits",
    "events rejected, events rejected replay ID": "test_rejected_events_say_what_is_wrong_and_are_sent_again",
    "events send joiners.csv": "test_a_file_with_a_wrong_line_sends_nothing_and_says_which",
    "events dead --json": "test_dead_letters_for_programs_are_an_empty_list",
    "policy check new.yaml": "test_a_policys_mistakes_have_line_column_and_what_was_meant",
    "policy test new.yaml": "test_a_policys_own_examples_are_judged_with_the_reason",
    "ledger verify --digest DIGEST": "test_a_record_is_verified_up_to_a_digest_that_was_kept_outside",
    "ledger verify --digest DIGEST, after an edit": "test_a_record_that_somebody_changed_is_named",
    "export access --on DAY --profile PROFILE": "test_an_export_is_a_row_for_each_who_had_access_on_a_day",
    "doctor": "test_doctor_is_a_line_for_each_check_and_a_mend_for_each_fault",
    "doctor, where something is wrong": "test_doctor_ends_with_3_where_something_is_to_mend",
    "az logout; plan": "test_whoever_is_not_signed_in_is_told_so_in_one_line",
}
"""A command, and the test of its answer. Days and files are the test's."""


def of_this_folder() -> Iterator[str]:
    """The names of its tests."""
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_each_example_has_its_test() -> None:
    assert {*EXAMPLES.values()} - {*of_this_folder()} == set()
