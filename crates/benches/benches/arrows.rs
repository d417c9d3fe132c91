//! One bench per arrow of the pipeline, watched over time with criterion.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use osmia_benches::{CORE_CASE, Osmia, Rbpf, WITHOUT_MAPS, kernel_btf, kernel_target};
use osmia_btf::Btf;
use osmia_object::{LinkOptions, Object};

fn load(criterion: &mut Criterion) {
    criterion.bench_function("object/parse largest", |bencher| {
        bencher.iter(|| Object::parse(black_box(CORE_CASE), "core500").expect("a good object"));
    });
    let Some(bytes) = kernel_btf() else {
        eprintln!("skipped: no kernel BTF here, OSMIA_BENCH_BTF can name one");
        return;
    };
    criterion.bench_function("btf/parse kernel", |bencher| {
        // Parsing keeps the bytes it is given: making them is not part of it.
        bencher.iter_batched(
            || bytes.clone(),
            |bytes| Btf::parse(bytes, None).expect("a kernel's BTF"),
            BatchSize::LargeInput,
        );
    });
    let object = Object::parse(CORE_CASE, "core500").expect("a good object");
    let target = kernel_target(bytes);
    criterion.bench_function("object/link 500 relocations", |bencher| {
        bencher.iter(|| {
            let set = object.link(black_box(&target), &LinkOptions::default());
            set.expect("it links")
        });
    });
}

fn interpret(criterion: &mut Criterion) {
    for program in WITHOUT_MAPS {
        let mut group = criterion.benchmark_group(format!("interpret/{}", program.name));
        group.throughput(Throughput::Elements(program.insns));
        let mut osmia = Osmia::new(program);
        group.bench_function("osmia", |bencher| bencher.iter(|| osmia.run()));
        let mut rbpf = Rbpf::new(program);
        group.bench_function("rbpf", |bencher| bencher.iter(|| rbpf.run()));
    }
}

criterion_group!(arrows, load, interpret);
criterion_main!(arrows);
