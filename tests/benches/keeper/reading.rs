//! Reading a token that this process has.

use std::{hint::black_box, time::Instant};

use evergrant::{Application, GrantId};

use crate::{
    Plan, allocations,
    table::{Bar, head, line},
};

pub fn measure(plan: &Plan, application: &Application, grants: &[GrantId]) {
    head("A fresh token from memory, in Rust");
    // Counted on the way in, so that nothing of the first read is in it.
    assert!(application.peek_token(grants[0], 60).is_some());
    let one =
        plan.rounds(|| nanos(plan.reads, || application.peek_token(black_box(grants[0]), 60)));
    line("the same grant again and again", "ns", Bar::Below(100.0), one);
    let mut next = 0;
    let turns = plan.rounds(|| {
        nanos(plan.reads, || {
            next = (next + 7) % grants.len();
            application.peek_token(black_box(grants[next]), 60)
        })
    });
    line(&format!("{} grants in turns", grants.len()), "ns", Bar::None, turns);
    let clock = plan.rounds(|| nanos(plan.reads, || application.clock().now()));
    line("  of it the look at the clock", "ns", Bar::None, clock);
    let both = plan.rounds(|| together(plan.reads, application, grants[0]));
    line("two threads at the same grant, each", "ns", Bar::None, both);
    let before = allocations::count();
    for _ in 0..1000 {
        black_box(application.peek_token(black_box(grants[0]), 60));
    }
    let allocated = allocations::count() - before;
    line("allocations in 1,000 reads", "", Bar::Below(1.0), vec![allocated as f64]);
}

fn nanos<T>(count: u32, mut work: impl FnMut() -> T) -> f64 {
    let started = Instant::now();
    for _ in 0..count {
        black_box(work());
    }
    started.elapsed().as_nanos() as f64 / f64::from(count)
}

fn together(count: u32, application: &Application, grant: GrantId) -> f64 {
    let read = || nanos(count, || application.peek_token(black_box(grant), 60));
    std::thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        readers.into_iter().map(|reader| reader.join().unwrap()).sum::<f64>() / 2.0
    })
}
