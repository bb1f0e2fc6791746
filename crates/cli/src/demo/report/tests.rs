use super::*;

/// The steps of a provider, each as promised but for those that `change` makes otherwise.
fn row(provider: Provider, change: impl Fn(&mut StepReport)) -> Row {
    let steps = promise::life(provider).map(|promise| {
        let counts = promise.counts.iter().map(|&(what, promised)| Count {
            what,
            seen: promised,
            promised,
        });
        let mut step = StepReport {
            promise,
            counts: counts.collect(),
            problem: None,
        };
        change(&mut step);
        step
    });
    Row::new(provider.brand(), "tower", steps.collect(), None)
}

fn kept(_: &mut StepReport) {}

fn storm_of_three(step: &mut StepReport) {
    if step.promise.step == Step::Storm {
        step.counts[0].seen = 3;
    }
}

#[test]
fn a_table_has_a_row_for_each_and_a_dash_where_there_is_no_step() {
    let report = Report::of(vec![
        row(Provider::Amiqus, kept),
        row(Provider::IOffice, kept),
    ]);
    assert!(report.ok);
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    let amiqus: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(
        amiqus,
        "amiqus tower 1 1→1 1→0 1→1 1000→1 100→1 2→1 1→2 1→1 11→1 - -"
            .split(' ')
            .collect::<Vec<_>>()
    );
    assert!(lines[3].ends_with("1→1        2"), "{text}");
    assert!(text.ends_with("Every count is what is promised.\n"));
}

#[test]
fn a_count_that_differs_is_named_with_its_promise() {
    let report = Report::of(vec![
        row(Provider::Amiqus, kept),
        row(Provider::IOffice, storm_of_three),
    ]);
    assert!(!report.ok);
    let text = report.to_string();
    assert!(text.contains("1000→3 !"), "{text}");
    assert!(
        text.contains("ioffice over tower, storm: 3 token_requests, promised 1\n"),
        "{text}"
    );
    assert!(text.ends_with("Not every count is what is promised.\n"));
}

#[test]
fn a_problem_beside_the_counts_fails_the_row() {
    let lost = |step: &mut StepReport| step.problem = Some("no end after 25 s".to_owned());
    assert!(!row(Provider::Amiqus, lost).ok);
    let unwritten = Row::new(
        "amiqus",
        "tower",
        Vec::new(),
        Some("1 account(s)".to_owned()),
    );
    assert!(!unwritten.ok);
    let text = Report::of(vec![unwritten]).to_string();
    assert!(text.contains("amiqus over tower: 1 account(s)\n"), "{text}");
}

#[test]
fn json_has_the_counts_in_each_step_and_what_is_wrong_where_it_is() {
    let report = Report::of(vec![row(Provider::Amiqus, storm_of_three)]);
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.starts_with(r#"{"providers":[{"provider":"amiqus","front":"tower","steps":[{"step":"authorize","requests":1,"#));
    assert!(
        text.contains(r#"{"step":"call","requests":1,"token_requests":0,"api_calls":1,"ok":true}"#),
        "{text}"
    );
    let storm = r#"{"step":"storm","requests":1000,"token_requests":3,"api_calls":1000,"problems":["3 token_requests, promised 1"],"ok":false}"#;
    assert!(text.contains(storm), "{text}");
    assert!(text.ends_with(r#""ok":false}],"ok":false}"#), "{text}");
}

#[test]
fn what_the_emulator_saw_is_counted_by_the_provider_s_own_status() {
    let mut counters = Counters::default();
    counters.api_calls_by_status.insert(401, 7);
    counters.api_calls_by_status.insert(403, 5);
    assert_eq!(Counted::Ended.seen(&counters, Provider::Amiqus), 7);
    assert_eq!(Counted::Ended.seen(&counters, Provider::IOffice), 5);
    assert_eq!(Counted::TakenBack.seen(&counters, Provider::IOffice), 7);
}

#[test]
fn a_refresh_token_presented_twice_at_once_breaks_any_step() {
    let call = promise::life(Provider::Amiqus).nth(2).unwrap();
    let mut counters = Counters::default();
    counters.api_calls = 1;
    assert!(StepReport::new(call, Provider::Amiqus, &counters, None).is_ok());
    counters.max_concurrent_presentations = 2;
    assert!(!StepReport::new(call, Provider::Amiqus, &counters, None).is_ok());
}
