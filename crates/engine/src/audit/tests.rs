//! The schema of the trail.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_protocol::ErrorCode;

use super::*;

/// Returns an entry of each kind.
fn kinds() -> Vec<AuditKind> {
    let reason = AuditReason::StoreFailed;
    let code = Some(ErrorCode::new("invalid_grant"));
    vec![
        AuditKind::LoginStarted,
        AuditKind::LoginFinished,
        AuditKind::LoginFailed {
            reason,
            code: code.clone(),
        },
        AuditKind::Adopted,
        AuditKind::AdoptionFailed { reason },
        AuditKind::Refreshed { generation: 2 },
        AuditKind::ReauthorizationRequired { reason, code },
        AuditKind::Disconnected,
        AuditKind::DisconnectFailed { reason },
        AuditKind::Revoked,
        AuditKind::RevocationFailed,
        AuditKind::Forgotten,
        AuditKind::ForgetFailed { reason },
        AuditKind::RecordNotOpened { reason },
        AuditKind::SiteRefused {
            site: "00ff".to_owned(),
        },
        AuditKind::EntriesLost { count: 3 },
    ]
}

fn entry(kind: AuditKind) -> AuditEntry {
    AuditEntry {
        sequence: 7,
        time: UNIX_EPOCH + Duration::from_millis(1_767_225_599_042),
        process: "00ff".into(),
        kind,
        provider: Some("amiqus".into()),
        account: None,
        authorization: Some(5),
        actor: Some(Actor::new("clerk \"7\"\nöß")),
    }
}

#[test]
fn the_readme_names_each_kind_and_each_member() {
    let readme = include_str!("../../README.md");
    for kind in kinds() {
        let name = kind.name();
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
        let json: serde_json::Value = serde_json::from_str(&entry(kind).to_json()).unwrap();
        for member in json.as_object().unwrap().keys() {
            assert!(readme.contains(&format!("| `{member}` |")), "{member}");
        }
    }
}

#[test]
fn an_entry_is_one_line_whatever_its_actor_is_called() {
    let json = entry(AuditKind::LoginFinished).to_json();
    let wanted = r#"{"time":"2025-12-31T23:59:59.042Z","process":"00ff","sequence":7,"#;
    assert!(json.starts_with(wanted), "{json}");
    assert!(json.ends_with(r#","actor":"clerk \"7\"\nöß"}"#), "{json}");
    assert_eq!(json.lines().count(), 1);
}

#[test]
fn an_unlisted_error_code_is_left_out() {
    let code = Some(ErrorCode::new("rt-secret"));
    let reason = AuditReason::GrantRefused;
    let json = entry(AuditKind::LoginFailed { reason, code }).to_json();
    assert!(json.ends_with(r#""reason":"grant_refused"}"#), "{json}");
}
