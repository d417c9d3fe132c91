//! Maps and variables that programs and the application share.

use osmia::embed::UpdateMode;
use osmia::{Fault, LinkOptions};

use super::{Pair, builder, loaded, object, said};

#[test]
fn both_sides_see_each_others_changes() {
    let (module, mut worker) = loaded(builder()).unwrap();
    let share = module.program("share").unwrap();
    let (table, waiting) = (
        module.map("table").unwrap(),
        module.queue("waiting").unwrap(),
    );
    let (runs, told) = (
        module.per_cpu_map("runs").unwrap(),
        module.events("told").unwrap(),
    );
    let sum = module.global::<u64>("sum").unwrap();
    let share = |worker: &mut _, key, value| share.run(worker, &mut Pair { key, value }).unwrap();

    sum.set(&41).unwrap();
    share(&mut worker, 5_u64, 50_u64);
    assert_eq!(sum.get(), 42);
    assert_eq!((table.get(&5_u64), table.get(&6)), (Some(50_u64), None));
    assert_eq!((waiting.peek(), waiting.len()), (Some(50_u64), 1));
    assert_eq!(runs.get(&0_u32), Some(vec![1_u32, 0]));
    let mut heard = Vec::new();
    assert_eq!(told.drain_as(|pair: Pair| heard.push(pair)), 0);
    assert_eq!(heard, [Pair { key: 5, value: 50 }]);

    let mut second = module.sandbox().worker().unwrap();
    assert_eq!((worker.cpu(), second.cpu()), (0, 1));
    share(&mut second, 5, 51);
    assert_eq!(runs.get(&0), Some(vec![1, 1]));
    runs.set(&0, &[8, 9]).unwrap();
    share(&mut second, 5, 52);
    assert_eq!(runs.get(&0), Some(vec![8, 10]));
    assert_eq!(runs.keys().collect::<Vec<u32>>(), [0]);
    assert_eq!(
        (waiting.pop(), waiting.pop(), waiting.pop()),
        (Some(50), Some(51), None)
    );
}

#[test]
fn a_hash_is_filled_walked_and_emptied() {
    let (module, _) = loaded(builder()).unwrap();
    let table = module.map::<u64, u64>("table").unwrap();
    assert!(table.is_empty());
    table.set(&1, &10).unwrap();
    table.update(&2, &20, UpdateMode::NoExist).unwrap();
    let again = table.update(&2, &21, UpdateMode::NoExist).unwrap_err();
    assert_eq!(
        said(&again),
        "embed-map: map `table` (hash) does not take the change: EEXIST (already exists)"
    );
    let full = table.set(&3, &30).unwrap_err();
    assert_eq!(
        said(&full),
        "embed-map: map `table` (hash) does not take the change: E2BIG (too big)"
    );
    assert_eq!((table.len(), table.capacity()), (2, 2));
    let mut entries: Vec<(u64, u64)> = table.iter().collect();
    entries.sort_unstable();
    assert_eq!(entries, [(1, 10), (2, 20)]);
    assert!(table.remove(&1).unwrap());
    assert!(!table.remove(&1).unwrap());
}

#[test]
fn constants_are_set_while_linking_and_not_later() {
    let sandbox = builder().build().unwrap();
    let options = LinkOptions {
        globals: vec![("step".to_owned(), "5".to_owned())],
        ..LinkOptions::default()
    };
    let linked = sandbox.link(&object(), &options).unwrap();
    let module = sandbox.verify(&linked).unwrap().load().unwrap();
    let (step, sum) = (
        module.global::<u64>("step").unwrap(),
        module.global::<u64>("sum").unwrap(),
    );
    assert_eq!(step.get(), 5);
    let share = module.program("share").unwrap();
    let mut worker = sandbox.worker().unwrap();
    share.run(&mut worker, &mut Pair::default()).unwrap();
    assert_eq!(sum.get(), 5);
    let error = step.set(&6).unwrap_err();
    assert_eq!(error.fault, Fault::Usage);
    assert_eq!(error.diagnostics[0].code.id, "embed-map");
}

#[test]
fn handles_keep_what_they_need_alive() {
    let (module, mut worker) = loaded(builder()).unwrap();
    let share = module.program("share").unwrap();
    let table = module.map::<u64, u64>("table").unwrap();
    drop(module);
    share
        .run(&mut worker, &mut Pair { key: 3, value: 4 })
        .unwrap();
    drop((share, worker));
    assert_eq!(table.get(&3), Some(4));
}
