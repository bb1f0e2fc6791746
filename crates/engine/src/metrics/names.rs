//! The names of all metrics, with their units and descriptions.
//!
//! `docs/operating.md` has the same names: `scripts/check-operating` compares them.

use metrics::Unit;

pub(super) const TOKEN_REQUESTS: &str = "tokenkeeper_token_requests_total";
pub(super) const TOKEN_REQUEST_DURATION: &str = "tokenkeeper_token_request_duration_seconds";
pub(super) const REFRESH_DURATION: &str = "tokenkeeper_refresh_duration_seconds";
pub(super) const LEASE_WAIT_DURATION: &str = "tokenkeeper_lease_wait_duration_seconds";
pub(super) const STORE_CALL_DURATION: &str = "tokenkeeper_store_call_duration_seconds";
pub(super) const EVENTS: &str = "tokenkeeper_events_total";
pub(super) const EVENTS_MISSED: &str = "tokenkeeper_events_missed_total";
pub(super) const REJECTIONS: &str = "tokenkeeper_rejections_total";
pub(super) const ACCOUNTS: &str = "tokenkeeper_accounts";
pub(super) const UNWRITTEN: &str = "tokenkeeper_accounts_unwritten";
pub(super) const TOKEN_AGE: &str = "tokenkeeper_served_token_age_seconds";
pub(super) const UNCOMPARED: &str = "tokenkeeper_served_uncompared_seconds";
pub(super) const REFRESHER_DUE: &str = "tokenkeeper_refresher_due";
pub(super) const REFRESHER_IN_FLIGHT: &str = "tokenkeeper_refresher_in_flight";
pub(super) const REFRESHER_LATE: &str = "tokenkeeper_refresher_late_seconds";
pub(super) const STORE_ACCOUNTS: &str = "tokenkeeper_store_accounts";
pub(super) const STORE_DUE: &str = "tokenkeeper_store_accounts_due";
pub(super) const STORE_OVERDUE: &str = "tokenkeeper_store_accounts_overdue";

/// Counters, with what they count.
pub(super) const COUNTERS: [(&str, &str); 4] = [
    (
        TOKEN_REQUESTS,
        "Token requests, by grant and class: `ok` or that of the failure",
    ),
    (EVENTS, "Events of accounts, by kind"),
    (EVENTS_MISSED, "Events that a subscriber was too slow for"),
    (REJECTIONS, "Tokens that an API rejected"),
];

/// Histograms of seconds.
pub(super) const HISTOGRAMS: [(&str, &str); 4] = [
    (
        TOKEN_REQUEST_DURATION,
        "From sending a token request to its answer",
    ),
    (
        REFRESH_DURATION,
        "From the start of a refresh until its waiters have the outcome",
    ),
    (
        LEASE_WAIT_DURATION,
        "Waits for a refresh or a login of another process",
    ),
    (
        STORE_CALL_DURATION,
        "Reads and writes of records in the store",
    ),
];

/// Gauges, with their units.
pub(super) const GAUGES: [(&str, Unit, &str); 10] = [
    (
        ACCOUNTS,
        Unit::Count,
        "Accounts in this process's memory, by health",
    ),
    (
        UNWRITTEN,
        Unit::Count,
        "Accounts whose newest tokens the store did not take yet",
    ),
    (
        TOKEN_AGE,
        Unit::Seconds,
        "The age of the oldest token of the accounts in use",
    ),
    (
        UNCOMPARED,
        Unit::Seconds,
        "The longest time since an account in use was compared with the store",
    ),
    (
        REFRESHER_DUE,
        Unit::Count,
        "Accounts that wait for this process's refresher",
    ),
    (
        REFRESHER_IN_FLIGHT,
        Unit::Count,
        "Accounts that this process's refresher visits",
    ),
    (
        REFRESHER_LATE,
        Unit::Seconds,
        "How long the account that waits longest has been due",
    ),
    (
        STORE_ACCOUNTS,
        Unit::Count,
        "Accounts in the store by health, as of the last overview",
    ),
    (
        STORE_DUE,
        Unit::Count,
        "Due accounts in the store, as of the last overview",
    ),
    (
        STORE_OVERDUE,
        Unit::Count,
        "Accounts due for over a minute, as of the last overview",
    ),
];
