//! Wider searches.
use super::{
    super::bounds::{Bounds, Budget, Reuse, Revocation},
    REFRESH, REFRESH_TWICE, THREE, TWO, holds,
};

macro_rules! wide {
    ($($name:ident: $base:expr, $f:expr, {$($field:ident: $value:expr),*}, {$($b:ident: $v:expr),*};)*) => {
        $(#[test] #[ignore] fn $name() {
            holds(stringify!($name), Bounds { $($field: $value,)* budget: Budget { $($b: $v,)* ..Budget::NONE }.any_faults($f), ..$base });
        })*
    };
}
wide! {
    w_renew: TWO, 2, {}, {refreshes: 2, renewals: 1};
    w_drop: TWO, 2, {}, {refreshes: 2, drops: 1};
    w_tell: TWO, 2, {}, {refreshes: 2, tells: 1};
    w_close: TWO, 2, {}, {refreshes: 2, closings: 1};
    w_close_disconnect: TWO, 1, {}, {refreshes: 1, disconnects: 1, logins: 1, closings: 1};
    w_close_disconnect_account: TWO, 1, {revocation: Revocation::Account}, {disconnects: 1, logins: 1, closings: 1};
    w_want: TWO, 2, {}, {wants: 2};
    w_want_drop: TWO, 2, {}, {wants: 2, drops: 1};
    w_reject: TWO, 2, {}, {rejections: 2};
    w_expire: TWO, 2, {}, {refreshes: 1, disconnects: 1, expiries: 1, drops: 1};
    w_expire_login: TWO, 1, {}, {logins: 1, disconnects: 1, expiries: 1, drops: 1};
    w_compare: TWO, 2, {}, {refreshes: 2, comparisons: 1};
    w_pauses: TWO, 2, {pauses: true}, {refreshes: 2};
    w_pauses_disc: TWO, 2, {pauses: true}, {refreshes: 1, disconnects: 1};
    w_pauses_account: TWO, 2, {pauses: true, revocation: Revocation::Account}, {logins: 1, disconnects: 1};
    w_rd2: TWO, 2, {}, {refreshes: 1, disconnects: 1};
    w_rl2: TWO, 2, {}, {refreshes: 1, logins: 1};
    w_lld2: TWO, 2, {connected: false}, {logins: 2, disconnects: 1};
    w_rld1: TWO, 1, {}, {refreshes: 1, logins: 1, disconnects: 1};
    w_rlda: TWO, 1, {revocation: Revocation::Account}, {refreshes: 1, logins: 1, disconnects: 1};
    w_rldn: TWO, 1, {revocation: Revocation::Nothing}, {refreshes: 1, logins: 1, disconnects: 1};
    w_ada: TWO, 1, {revocation: Revocation::Account}, {refreshes: 1, adoptions: 1, disconnects: 1};
    w_three2: THREE, 2, {}, {refreshes: 3};
    w_dd: TWO, 1, {}, {refreshes: 1, disconnects: 2};
    w_empty: TWO, 2, {connected: false}, {refreshes: 1, wants: 1, logins: 1};
    x_r3: TWO, 3, {}, {refreshes: 2};
    x_e3: TWO, 3, {reuse: Reuse::EndsFamily}, {refreshes: 2};
    x_s3: TWO, 3, {reuse: Reuse::SamePair}, {refreshes: 2};
    x_f3: TWO, 3, {reuse: Reuse::FreshPair}, {refreshes: 2};
}
