//! The reference BTF that Osmia ships: layouts and prototypes that programs commonly ask a kernel for,
//! taken from a kernel's BTF. Facts alone: names, offsets, sizes.
//!
//! What the lists name comes whole, with everything that lies inside of it. A structure that is only
//! pointed to is kept as a name.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use osmia_btf::{Body, Btf, BtfBuilder, Endian, FwdKind, Kind, TypeId};
use osmia_program::{PARTIAL_TYPES, kfunc};

use crate::Verdict;
use crate::place::{self, Error};

mod names;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// BTF of the kernel whose layouts are taken
    #[arg(long, value_name = "FILE", default_value = "/sys/kernel/btf/vmlinux")]
    btf: PathBuf,
    /// Only say how large it would be
    #[arg(long)]
    dry: bool,
}

/// Where it is kept.
const FILE: &str = "crates/osmia/data/reference.btf";
/// How large it may be.
const BYTES_MAX: usize = 300 << 10;

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let bytes = std::fs::read(&options.btf)?;
    let kernel = Btf::parse(bytes, None).map_err(|error| error.to_string())?;
    let mut excerpt = Excerpt::new(&kernel);
    excerpt.choose();
    let types = excerpt.items.len();
    let bytes = excerpt.write().to_bytes(Endian::Little);
    Btf::parse(bytes.clone(), None).map_err(|error| error.to_string())?;
    println!("{types} types, {} bytes (at most {BYTES_MAX})", bytes.len());
    if bytes.len() > BYTES_MAX {
        return Ok(Verdict::Fails);
    }
    if !options.dry {
        std::fs::write(place::root().join(FILE), bytes)?;
    }
    Ok(Verdict::Holds)
}

/// A type of the excerpt.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
enum Item {
    /// As it is.
    Whole(TypeId),
    /// Its name.
    Name(TypeId),
}

/// What is taken, in order: the first has number 1.
struct Excerpt<'b> {
    kernel: &'b Btf,
    /// Structures and unions that come whole.
    whole: BTreeSet<TypeId>,
    items: Vec<Item>,
    known: HashMap<TypeId, TypeId>,
}

impl<'b> Excerpt<'b> {
    fn new(kernel: &'b Btf) -> Self {
        Excerpt {
            kernel,
            whole: BTreeSet::new(),
            items: Vec::new(),
            known: HashMap::new(),
        }
    }

    fn choose(&mut self) {
        let kernel = self.kernel;
        let structures = |name: &str| names::STRUCTURES.contains(&name) || is_list(name);
        let mut roots = Vec::new();
        for ty in kernel.types() {
            let name = ty.name();
            let chosen = match ty.kind() {
                Kind::Struct | Kind::Union => structures(name),
                Kind::Enum | Kind::Enum64 => names::ENUMERATIONS.contains(&name),
                Kind::Typedef => {
                    let event = name.strip_prefix("btf_trace_");
                    event.is_some_and(|event| names::EVENTS.iter().any(|of| event.starts_with(of)))
                }
                Kind::Func => {
                    let hook = name.starts_with("bpf_lsm_") || names::FUNCTIONS.contains(&name);
                    let item = name.strip_prefix("bpf_iter_");
                    hook || item.is_some_and(|item| names::ITERATORS.contains(&item))
                        || kfunc::by_name(name).is_some()
                }
                _ => false,
            };
            if chosen {
                roots.push(ty.id());
            }
        }
        for &root in &roots {
            self.embed(root);
        }
        for root in roots {
            self.take(root);
        }
    }

    /// What lies inside of a structure comes whole, too.
    fn embed(&mut self, id: TypeId) {
        let ty = self.kernel.resolve(id);
        match ty.body() {
            Body::Struct(inside) | Body::Union(inside) if self.whole.insert(ty.id()) => {
                for member in inside.members() {
                    self.embed(member.ty);
                }
            }
            Body::Array(array) => self.embed(array.element),
            _ => {}
        }
    }

    /// Numbers a type and what it names; pointers to what has no place here point to nothing.
    fn take(&mut self, id: TypeId) -> TypeId {
        if id == TypeId::VOID {
            return id;
        }
        if let Some(&known) = self.known.get(&id) {
            return known;
        }
        let ty = self.kernel.type_at(id);
        let named = matches!(ty.kind(), Kind::Struct | Kind::Union) && !self.whole.contains(&id);
        if named && ty.is_anonymous() {
            return TypeId::VOID;
        }
        self.items.push(if named {
            Item::Name(id)
        } else {
            Item::Whole(id)
        });
        let number = TypeId(self.items.len() as u32);
        self.known.insert(id, number);
        if named {
            return number;
        }
        match ty.body() {
            Body::Struct(inside) | Body::Union(inside) => {
                for member in inside.members() {
                    self.take(member.ty);
                }
            }
            Body::Array(array) => {
                self.take(array.element);
                self.take(array.index);
            }
            Body::FuncProto(proto) => {
                self.take(proto.result);
                for param in proto.params() {
                    self.take(param.ty);
                }
            }
            Body::Func(function) => {
                self.take(function.proto);
            }
            _ => {
                if let Some(target) = ty.target() {
                    self.take(target);
                }
            }
        }
        number
    }

    fn write(&self) -> BtfBuilder {
        let mut types = BtfBuilder::new();
        for item in &self.items {
            match *item {
                Item::Whole(id) => {
                    let number = |id| self.known.get(&id).copied().unwrap_or(TypeId::VOID);
                    types.copy_type(self.kernel.type_at(id), number);
                }
                Item::Name(id) => {
                    let ty = self.kernel.type_at(id);
                    let kind = match ty.kind() {
                        Kind::Union => FwdKind::Union,
                        _ => FwdKind::Struct,
                    };
                    types.fwd(ty.name(), kind);
                }
            }
        }
        types.typedef(PARTIAL_TYPES, TypeId::VOID);
        types
    }
}

/// True for the structures in which kernels list fields that can be trusted.
fn is_list(name: &str) -> bool {
    name.contains("__safe_trusted") || name.contains("__safe_rcu")
}
