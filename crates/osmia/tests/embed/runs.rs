//! What a handle does, and that it allocates nothing.

use osmia::Engine;
use osmia::embed::{Packet, Program};

use super::allocator::allocations_during;
use super::{Pair, builder, loaded, said};

#[test]
fn a_context_goes_in_and_comes_out() {
    for builder in [builder(), builder().interpreted()] {
        let (module, mut worker) = loaded(builder).unwrap();
        let share = module.program("share").unwrap();
        let mut pair = Pair { key: 1, value: 20 };
        assert_eq!(share.run(&mut worker, &mut pair).unwrap(), 7);
        assert_eq!(pair, Pair { key: 1, value: 21 });
    }
}

#[test]
fn a_packet_can_be_changed() {
    let (module, mut worker) = loaded(builder()).unwrap();
    let first: Program<Packet> = module.program("first").unwrap();
    let value = first.run_on(&mut worker, &[]).unwrap();
    assert_eq!(first.verdict(value).label(), "XDP_DROP");
    let mut packet = vec![9; 60];
    let value = first.rewrite(&mut worker, &mut packet).unwrap();
    assert_eq!(first.verdict(value).label(), "XDP_TX");
    assert_eq!((packet[0], packet[1], packet.len()), (10, 9, 60));
}

#[test]
fn a_context_of_any_length_is_looked_at_before_it_is_used() {
    let (module, mut worker) = loaded(builder()).unwrap();
    let far: Program<[u8]> = module.program("far").unwrap();
    let mut bytes = [0; 4096];
    bytes[4095] = 5;
    assert_eq!(far.run(&mut worker, &mut bytes[..]).unwrap(), 5);
    let error = far.run(&mut worker, &mut bytes[..4095]).unwrap_err();
    assert_eq!(
        said(&error),
        "embed-type: program `far` touches 4096 bytes of its context, and was given 4095"
    );
}

#[test]
fn verified_programs_are_machine_code_where_there_is_some() {
    let (module, _) = loaded(builder()).unwrap();
    let native = if cfg!(target_arch = "x86_64") {
        Engine::Native
    } else {
        Engine::Interp
    };
    let share: Program<Pair> = module.program("share").unwrap();
    assert_eq!(share.engine(), native, "{:?}", module.notes());
    let (module, _) = loaded(builder().interpreted()).unwrap();
    let share: Program<Pair> = module.program("share").unwrap();
    assert_eq!(share.engine(), Engine::Interp);
}

#[test]
fn runs_do_not_allocate() {
    for builder in [builder(), builder().interpreted()] {
        let (module, mut worker) = loaded(builder).unwrap();
        let [share, adds, shouts, swaps]: [Program<Pair>; 4] =
            ["share", "adds", "shouts", "swaps"].map(|name| module.program(name).unwrap());
        let first: Program<Packet> = module.program("first").unwrap();
        let table = module.map::<u64, u64>("table").unwrap();
        let waiting = module.queue::<u64>("waiting").unwrap();
        let told = module.events("told").unwrap();
        let sum = module.global::<u64>("sum").unwrap();
        let (mut pair, mut packet) = (Pair { key: 1, value: 2 }, vec![0; 1500]);
        let (mut heard, mut got) = (0, 0);
        let mut everything = || {
            share.run(&mut worker, &mut pair).unwrap();
            adds.run(&mut worker, &mut pair).unwrap();
            shouts.run(&mut worker, &mut pair).unwrap();
            swaps.run(&mut worker, &mut pair).unwrap();
            swaps.run(&mut worker, &mut pair).unwrap();
            first.run_on(&mut worker, &packet).unwrap();
            first.rewrite(&mut worker, &mut packet).unwrap();
            got += table.get(&1).unwrap();
            table.set(&1, &3).unwrap();
            waiting.pop().unwrap();
            told.drain_as(|_: Pair| heard += 1);
            sum.set(&(sum.get() + 1)).unwrap();
        };
        // The first times make room, also for what is deleted and may still be in use; and programs that
        // get hot have a thread compile them once more.
        (0..1200).for_each(|_| everything());
        let allocations = allocations_during(|| (0..5000).for_each(|_| everything()));
        assert_eq!(allocations, 0);
        assert_eq!((heard, sum.get()), (6200, 12_400));
    }
}

#[test]
fn two_threads_run_the_same_program() {
    let (module, first) = loaded(builder()).unwrap();
    let second = module.sandbox().worker().unwrap();
    let adds: Program<Pair> = module.program("adds").unwrap();
    let run = &|mut worker: osmia::embed::Worker| {
        (0..1000).fold(0, |sum, key| {
            let mut pair = Pair {
                key: key + 20,
                value: 1,
            };
            sum + u64::from(adds.run(&mut worker, &mut pair).unwrap())
        })
    };
    let sums = std::thread::scope(|scope| {
        let both = [first, second].map(|worker| scope.spawn(move || run(worker)));
        both.map(|thread| thread.join().unwrap())
    });
    assert_eq!(sums, [520_500; 2]);
}
