//! Time to link an object with 500 CO-RE relocations, theirs and ours, in the same run.

use std::hint::black_box;
use std::time::Instant;

use osmia_object::{LinkOptions, Object};
use serde_json::{Value, json};

use super::libbpf::Driver;
use super::ours::{self, Linker};
use crate::place::Error;

const ROUNDS: usize = 15;

/// Medians in milliseconds.
pub(super) struct Timing {
    relocations: usize,
    their_load: f64,
    their_btf: f64,
    our_parse: f64,
    our_link: f64,
}

pub(super) fn measure(driver: &Driver, linker: &Linker) -> Result<Timing, Error> {
    let path = ours::core_case();
    let bytes = std::fs::read(&path)?;
    let (mut parses, mut links, mut relocations) = (Vec::new(), Vec::new(), 0);
    let (mut loads, mut btfs) = (Vec::new(), Vec::new());
    // The kernel's BTF is indexed once for all objects: that is not the object's time.
    if let Some(btf) = &linker.target().btf {
        btf.index();
    }
    // In turns, so that both meet the same machine.
    for _ in 0..ROUNDS {
        let theirs = driver.measure(&path, 1)?;
        loads.push(
            theirs["open_ms"][0].as_f64().unwrap_or_default()
                + theirs["load_ms"][0].as_f64().unwrap_or_default(),
        );
        btfs.push(theirs["btf_ms"][0].as_f64().unwrap_or_default());

        let start = Instant::now();
        let object = Object::parse(&bytes, "core500.bpf.o")?;
        parses.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        black_box(object.link(linker.target(), &LinkOptions::default())?);
        links.push(start.elapsed().as_secs_f64() * 1e3);
        let sections = object.btf_ext().map_or(&[][..], |ext| &ext.relos);
        relocations = sections.iter().map(|section| section.records.len()).sum();
    }
    Ok(Timing {
        relocations,
        their_load: median(loads),
        their_btf: median(btfs),
        our_parse: median(parses),
        our_link: median(links),
    })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Timing {
    pub(super) fn print(&self) {
        println!(
            "{} CO-RE relocations against the running kernel's BTF, medians of {ROUNDS}:",
            self.relocations
        );
        println!(
            "  libbpf  open and load {:.2} ms, of which reading the kernel's BTF {:.2} ms",
            self.their_load, self.their_btf
        );
        println!(
            "  osmia   parse {:.2} ms, link {:.2} ms, the kernel's BTF indexed before",
            self.our_parse, self.our_link
        );
        if cfg!(debug_assertions) {
            println!(
                "  this is a debug build; for figures: cargo run --release -p xtask -- compare-libbpf"
            );
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "relocations": self.relocations,
            "libbpf_open_load_ms": self.their_load,
            "libbpf_btf_ms": self.their_btf,
            "osmia_parse_ms": self.our_parse,
            "osmia_link_ms": self.our_link,
            "debug_build": cfg!(debug_assertions),
        })
    }
}
