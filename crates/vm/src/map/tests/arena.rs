//! Arenas: which pages are whose, against a list of pages.

use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec};
use proptest::prelude::*;

use crate::map::{Arena, Map, Runs};

const PAGE: u64 = 4096;

fn arena_at(extra: u64, pages: u32, flags: u32) -> Arc<Arena> {
    let mut spec = MapSpec::new("m", MapKind::Arena, 0, 0, pages);
    spec.flags = MapFlags(MapFlags::MMAPABLE | flags);
    spec.extra = extra;
    let map = Map::create(&spec, &Arc::new(Runs::new(1))).expect("a right specification");
    Arc::clone(map.arena().expect("it is one"))
}

#[test]
fn addresses_are_checked_at_creation() {
    let outcome = |extra, pages| {
        let mut spec = MapSpec::new("m", MapKind::Arena, 0, 0, pages);
        spec.flags = MapFlags(MapFlags::MMAPABLE);
        spec.extra = extra;
        Map::create(&spec, &Arc::new(Runs::new(1)))
            .map(drop)
            .map_err(|error| error.errno())
    };
    assert_eq!(outcome(4096, 10), Ok(()));
    assert_eq!(outcome(4097, 10), Err(Errno::EINVAL));
    assert_eq!(outcome(1 << 32, 10), Ok(()));
    assert_eq!(outcome(0x1_ffff_0000, 10), Ok(()));
    assert_eq!(outcome(0x1_ffff_f000, 100), Err(Errno::ERANGE));
    assert_eq!(outcome(1 << 63, 10), Ok(()));
}

#[test]
fn what_was_freed_comes_back_as_zeroes() {
    let arena = arena_at(0x5_0000_1000, 4, 0);
    let address = arena.allocate(0, 2);
    assert_eq!(address, 0x5_0000_1000);
    arena.store::<u64>(address as u32 as u64 + 4090, u64::MAX);
    assert_eq!(arena.load::<u64>(address as u32 as u64 + 4090), u64::MAX);
    arena.give_back(address, 1);
    assert_eq!(arena.load::<u64>(address as u32 as u64 + 4090), 0);
    assert_eq!(arena.load::<u8>(address as u32 as u64 + 4096), 255);
    assert_eq!(arena.allocate(0, 1), address);
    assert_eq!(arena.load::<u32>(address as u32 as u64 + 4092), 0);
    arena.give_back(address, u32::MAX);
    assert!(arena.is_empty());
}

#[test]
fn the_process_touches_what_it_may() {
    let arena = arena_at(0, 4, 0);
    assert_eq!(arena.write(2 * PAGE - 1, &[1, 2]), Ok(()));
    assert_eq!(arena.len(), 2);
    assert_eq!(arena.write(4 * PAGE - 1, &[1, 2]), Err(Errno::EFAULT));
    let strict = arena_at(0, 4, MapFlags::SEGV_ON_FAULT);
    assert_eq!(strict.write(0, &[1]), Err(Errno::EFAULT));
    strict.allocate(0, 1);
    assert_eq!(strict.write(0, &[1]), Ok(()));
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(u32),
    AllocateAt(u32, u32),
    Free(u32, u32),
    Reserve(u32, u32),
    Touch(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let range = (0..20u32, 0..6u32);
    prop_oneof![
        (0..6u32).prop_map(Step::Allocate),
        range
            .clone()
            .prop_map(|(first, count)| Step::AllocateAt(first, count)),
        range
            .clone()
            .prop_map(|(first, count)| Step::Free(first, count)),
        range.prop_map(|(first, count)| Step::Reserve(first, count)),
        (0..16u32).prop_map(Step::Touch),
    ]
}

proptest! {
    #[test]
    fn an_arena_is_a_row_of_pages(steps in prop::collection::vec(step(), 1..60)) {
        const PAGES: u32 = 16;
        const START: u64 = 0x7_0000_3000;
        let arena = arena_at(START, PAGES, 0);
        let mut taken = [false; PAGES as usize];
        let mut there = [false; PAGES as usize];
        let at = |page: u32| START + u64::from(page) * PAGE;
        let fits = |first: u32, count: u32| first + count <= PAGES;
        for step in steps {
            match step {
                Step::Allocate(count) => {
                    let address = arena.allocate(0, count);
                    let possible = count > 0
                        && taken.windows(count as usize).any(|pages| pages.iter().all(|taken| !taken));
                    prop_assert_eq!(address != 0, possible);
                    if possible {
                        let first = ((address - START) / PAGE) as usize;
                        for page in first..first + count as usize {
                            prop_assert!(!taken[page]);
                            (taken[page], there[page]) = (true, true);
                        }
                    }
                }
                Step::AllocateAt(first, count) => {
                    let free = count > 0
                        && fits(first, count)
                        && (first..first + count).all(|page| !taken[page as usize]);
                    let expected = if free { at(first) } else { 0 };
                    prop_assert_eq!(arena.allocate(at(first), count), expected);
                    if free {
                        for page in first..first + count {
                            (taken[page as usize], there[page as usize]) = (true, true);
                        }
                    }
                }
                Step::Free(first, count) => {
                    arena.give_back(at(first), count);
                    for page in first..(first + count).min(PAGES) {
                        (taken[page as usize], there[page as usize]) = (false, false);
                    }
                }
                Step::Reserve(first, count) => {
                    let expected = if count == 0 {
                        Ok(())
                    } else if !fits(first, count) {
                        Err(Errno::EINVAL)
                    } else if (first..first + count).any(|page| taken[page as usize]) {
                        Err(Errno::EBUSY)
                    } else {
                        Ok(())
                    };
                    prop_assert_eq!(arena.reserve(at(first), count), expected);
                    if expected.is_ok() {
                        for page in first..first + count {
                            taken[page as usize] = true;
                        }
                    }
                }
                Step::Touch(page) => {
                    arena.write(u64::from(page) * PAGE, &[1]).expect("inside");
                    (taken[page as usize], there[page as usize]) = (true, true);
                }
            }
            prop_assert_eq!(arena.len() as usize, there.iter().filter(|there| **there).count());
        }
    }
}
