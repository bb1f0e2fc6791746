//! `tokenkeeper demo`.

use serde_json::{Value, json};

use crate::{run, text};

/// The steps of each row: name, calls and token requests.
const STEPS: [(&str, u64, u64); 10] = [
    ("authorize", 1, 0),
    ("exchange", 1, 1),
    ("call", 1, 0),
    ("expire", 1, 1),
    ("storm", 1000, 1),
    ("late_rejections", 100, 1),
    ("cancelled_caller", 2, 1),
    ("lost_answer", 1, 2),
    ("reconnect", 1, 1),
    ("user_revokes", 11, 1),
];

const REVOCATION: [(&str, u64, u64); 2] = [("reconnect", 1, 1), ("revoke", 2, 0)];

#[test]
fn all_counts_of_the_demo_are_as_expected() {
    let output = run(&["demo", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // One object on one line.
    assert_eq!(text(&output.stdout).lines().count(), 1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], true);
    let rows = report["providers"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| (&row["provider"], &row["front"]))
        .collect();
    let providers = ["qics-milestones", "fortes-milestones", "amiqus", "ioffice"];
    let expected: Vec<_> = providers
        .iter()
        .flat_map(|provider| ["tower", "reqwest"].map(|front| (json!(provider), json!(front))))
        .collect();
    assert_eq!(
        names,
        expected.iter().map(|(p, f)| (p, f)).collect::<Vec<_>>()
    );
    for row in rows {
        assert_eq!(row["ok"], true, "{row}");
        assert_steps(row);
    }
}

fn assert_steps(row: &Value) {
    let revokes = row["provider"] == "ioffice";
    let expected = STEPS.iter().chain(REVOCATION.iter().filter(|_| revokes));
    let steps = row["steps"].as_array().unwrap();
    assert_eq!(steps.len(), expected.clone().count(), "{row}");
    for (step, (name, requests, token_requests)) in steps.iter().zip(expected) {
        assert_eq!(step["step"], *name);
        assert_eq!(step["requests"], *requests, "{step}");
        assert_eq!(step["token_requests"], *token_requests, "{step}");
        assert_eq!(step["ok"], true, "{step}");
    }
    assert_eq!(steps[4]["api_calls"], 1000);
    assert_eq!(steps[5]["rejections"], 100);
    if revokes {
        assert_eq!(steps[11]["revocations"], 2);
    }
}
