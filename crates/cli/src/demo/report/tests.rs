use super::*;

/// Makes the row of a provider: all counts are as expected, except those that `change` changes.
fn row(provider: Provider, change: impl Fn(&mut StepReport)) -> Row {
    let steps = expectation::scenario(provider).map(|expectation| {
        let counts = expectation.counts.iter().map(|&(what, expected)| Count {
            what,
            seen: expected,
            expected,
        });
        let mut step = StepReport {
            expectation,
            counts: counts.collect(),
            problem: None,
        };
        change(&mut step);
        step
    });
    Row::new(provider.brand(), "tower", steps.collect(), None)
}

fn unchanged(_: &mut StepReport) {}

fn storm_of_three(step: &mut StepReport) {
    if step.expectation.step == Step::Storm {
        step.counts[0].seen = 3;
    }
}

#[test]
fn the_table_has_a_dash_for_a_missing_step() {
    let report = Report::of(vec![
        row(Provider::Amiqus, unchanged),
        row(Provider::IOffice, unchanged),
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
    assert!(text.ends_with("All counts are as expected.\n"));
}

#[test]
fn a_wrong_count_is_reported_with_the_expected_one() {
    let report = Report::of(vec![
        row(Provider::Amiqus, unchanged),
        row(Provider::IOffice, storm_of_three),
    ]);
    assert!(!report.ok);
    let text = report.to_string();
    assert!(text.contains("1000→3 !"), "{text}");
    assert!(
        text.contains("ioffice over tower, storm: 3 token_requests, expected 1\n"),
        "{text}"
    );
    assert!(text.ends_with("Some counts are not as expected.\n"));
}

#[test]
fn a_problem_outside_the_counts_fails_the_row() {
    let lost = |step: &mut StepReport| step.problem = Some("not finished after 25 s".to_owned());
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
fn json_has_the_counts_and_problems_of_each_step() {
    let report = Report::of(vec![row(Provider::Amiqus, storm_of_three)]);
    let text = serde_json::to_string(&report).unwrap();
    let start =
        r#"{"providers":[{"provider":"amiqus","front":"tower","steps":[{"step":"authorize","#;
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains(r#"{"step":"call","requests":1,"token_requests":0,"api_calls":1,"ok":true}"#),
        "{text}"
    );
    for part in [
        r#"{"step":"storm","requests":1000,"token_requests":3,"api_calls":1000,"#,
        r#""problems":["3 token_requests, expected 1"],"ok":false}"#,
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.ends_with(r#""ok":false}],"ok":false}"#), "{text}");
}

#[test]
fn the_provider_determines_the_counted_status() {
    let mut counters = Counters::default();
    counters.api_calls_by_status.insert(401, 7);
    counters.api_calls_by_status.insert(403, 5);
    assert_eq!(Counted::Expired.seen(&counters, Provider::Amiqus), 7);
    assert_eq!(Counted::Expired.seen(&counters, Provider::IOffice), 5);
    assert_eq!(Counted::Revoked.seen(&counters, Provider::IOffice), 7);
}

#[test]
fn a_token_presented_twice_at_once_fails_any_step() {
    let call = expectation::scenario(Provider::Amiqus).nth(2).unwrap();
    let mut counters = Counters::default();
    counters.api_calls = 1;
    assert!(StepReport::new(call, Provider::Amiqus, &counters, None).is_ok());
    counters.max_concurrent_presentations = 2;
    assert!(!StepReport::new(call, Provider::Amiqus, &counters, None).is_ok());
}
