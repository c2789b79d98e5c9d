//! Rotations a second beside their floor, and what one costs beside the server's round trip.

use std::time::{Duration, Instant};

use evergrant::{Application, GrantId};

use crate::{
    Plan,
    floors::Floor,
    table::{Bar, head, line, millis},
    vendor::Vendor,
};

pub async fn measure(
    store: &str,
    plan: &Plan,
    application: &Application,
    grants: &[GrantId],
    floor: &Floor,
    vendor: Vendor,
) {
    head(&format!("Durable rotations on {store}"));
    for &workers in plan.workers {
        let (mut ours, mut plain, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        // Side by side, so that what else the machine does meets both.
        for _ in 0..plan.rounds {
            let bare = rate(workers, plan.span, |worker, until| floor.work(worker, until)).await;
            let kept = rate(workers, plan.span, |worker, until| {
                rotate(application.clone(), grants[worker], until)
            })
            .await;
            ours.push(kept);
            plain.push(bare);
            ratios.push(kept / bare);
        }
        let of = if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") };
        line(&format!("{of}: rotations"), "/s", Bar::None, ours);
        line("  the same commits, plainly", "/s", Bar::None, plain);
        line("  ratio", "", Bar::AtLeast(0.8), ratios);
    }
    let overheads = overheads(plan, application, grants[0], vendor).await;
    line("overhead of one over the server's round trip", "ms", Bar::Below(15.0), overheads);
}

/// All workers together, by the second.
async fn rate<F: Future<Output = u32> + Send + 'static>(
    workers: usize,
    span: Duration,
    work: impl Fn(usize, Instant) -> F,
) -> f64 {
    let started = Instant::now();
    let until = started + span;
    let workers: Vec<_> = (0..workers).map(|worker| tokio::spawn(work(worker, until))).collect();
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

async fn rotate(application: Application, grant: GrantId, until: Instant) -> u32 {
    let mut generation = application.grant(grant).await.unwrap().generation;
    let mut done = 0;
    while Instant::now() < until {
        generation = application.renew_token(grant, generation).await.unwrap().generation;
        done += 1;
    }
    done
}

/// One rotation without the exchange, in milliseconds: the difference of two medians per round.
async fn overheads(
    plan: &Plan,
    application: &Application,
    grant: GrantId,
    vendor: Vendor,
) -> Vec<f64> {
    let mut overheads = Vec::new();
    let mut generation = application.grant(grant).await.unwrap().generation;
    for _ in 0..plan.rounds {
        let (mut rotations, mut exchanges) = (Vec::new(), Vec::new());
        let until = Instant::now() + plan.span;
        while Instant::now() < until {
            let started = Instant::now();
            vendor.exchange(0).await;
            exchanges.push(millis(started.elapsed()));
            let started = Instant::now();
            generation = application.renew_token(grant, generation).await.unwrap().generation;
            rotations.push(millis(started.elapsed()));
        }
        overheads.push(median(rotations) - median(exchanges));
    }
    overheads
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
