//! Every map operation, watched over time with criterion: called directly, by a program in both
//! engines, and on a plain map of Rust's standard library where there is one like it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use osmia_benches::{MAP_CASES, MapOps, RUN_OPS};

fn operations(criterion: &mut Criterion) {
    let ours = MapOps::new();
    for case in MAP_CASES {
        let mut group = criterion.benchmark_group(format!("maps/{}", case.program));
        group.throughput(Throughput::Elements(u64::from(RUN_OPS)));
        let (map, mut at) = (ours.map(case), 0);
        group.bench_function("direct", |bencher| {
            bencher.iter(|| (case.direct)(black_box(map), 0, &mut at));
        });
        let mut program = ours.interpreted(case, 0);
        group.bench_function("interpreted", |bencher| bencher.iter(&mut program));
        let mut program = ours.native(case, 0);
        group.bench_function("native", |bencher| bencher.iter(&mut program));
        if let Some(plain) = case.plain {
            let (mut plain, mut at) = (plain(), 0);
            group.bench_function("plain", |bencher| bencher.iter(|| plain(&mut at)));
        }
    }
}

criterion_group!(maps, operations);
criterion_main!(maps);
