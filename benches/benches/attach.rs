//! A request with a valid token over a service that answers at once.
//!
//! `peers/benches/attach.rs` measures other libraries in the same run.

use criterion::{Criterion, criterion_group, criterion_main};
use tokenkeeper_benches::{Attach, Form, account_per_request};

fn attach(criterion: &mut Criterion) {
    for headers in [0, 4, 12] {
        Attach::new(criterion, headers, Form::Plain).ours();
    }
    for form in [Form::Extended, Form::Cloned, Form::Held] {
        Attach::new(criterion, 4, form).ours();
    }
}

criterion_group!(benches, attach, account_per_request);
criterion_main!(benches);
