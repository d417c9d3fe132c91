//! A plug-in with a budget: a map is painted by plug-ins that somebody else wrote. One that takes too
//! long loses its tile, and the application goes on.
//!
//! `cargo run --example plugin`

use osmia::embed::{Program, Sandbox, Worker};
use osmia::zerocopy::{FromBytes, Immutable, IntoBytes};
use osmia::{Error, Object};

const OBJECT: &[u8] = include_bytes!("plugin.bpf.o");
const WIDTH: u32 = 48;
const HEIGHT: u32 = 16;
/// Instructions that a plug-in may execute for a tile.
const INSNS_PER_TILE: u64 = 2_000;

/// A tile, as `plugin.bpf.c` declares it.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Tile {
    x: u32,
    y: u32,
    colour: u32,
}

/// The letter of a tile: its colour, or `#` where the plug-in had to be stopped.
fn letter(plugin: &Program<Tile>, worker: &mut Worker, x: u32, y: u32) -> char {
    let mut tile = Tile { x, y, colour: 0 };
    match plugin.run(worker, &mut tile) {
        Ok(_) => [' ', '.', ':', '-', '=', '+'][tile.colour.min(5) as usize],
        Err(_) => '#',
    }
}

/// The map as a plug-in paints it.
fn paint(name: &str) -> Result<String, Error> {
    // Instructions are counted by the interpreter.
    let sandbox = Sandbox::builder().cpus(1).interpreted().build()?;
    let module = sandbox.load(&Object::from_bytes(OBJECT, "plugin.bpf.o")?)?;
    let plugin = module.program(name)?;
    let mut worker = sandbox.worker()?;
    worker.set_insns_max(INSNS_PER_TILE);
    let mut map = String::new();
    for row in 0..HEIGHT {
        let tiles = (0..WIDTH).map(|column| (8 * column, 16 * row));
        map.extend(tiles.map(|(x, y)| letter(&plugin, &mut worker, x, y)));
        map.push('\n');
    }
    Ok(map)
}

fn main() -> Result<(), Error> {
    for name in ["stripes", "mandelbrot"] {
        println!("{name}:\n{}", paint(name)?);
    }
    Ok(())
}

#[test]
fn the_quick_one_is_never_stopped_the_other_one_where_it_does_not_end() {
    assert!(!paint("stripes").expect("it runs").contains('#'));
    let map = paint("mandelbrot").expect("it runs");
    let middle: Vec<char> = map.lines().nth(8).expect("a row").chars().collect();
    assert!(map.starts_with(' '), "far outside");
    assert_eq!(middle[31], '#', "inside");
}
