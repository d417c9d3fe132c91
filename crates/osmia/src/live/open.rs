//! The kinds of objects that have ids.

use std::fmt;

use osmia_program::attr::{
    self, BTF_INFO, InfoLayout, LINK_INFO, MAP_INFO, NextId, PROG_INFO, Request,
};

/// A kind of object.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A loaded program.
    Program,
    /// A map.
    Map,
    /// A program's place.
    Link,
    /// Types.
    Btf,
}

impl ObjectKind {
    pub(super) fn next_id(self, asked: NextId) -> Request {
        match self {
            ObjectKind::Program => Request::ProgGetNextId(asked),
            ObjectKind::Map => Request::MapGetNextId(asked),
            ObjectKind::Link => Request::LinkGetNextId(asked),
            ObjectKind::Btf => Request::BtfGetNextId(asked),
        }
    }

    pub(super) fn by_id(self, id: u32) -> Request {
        match self {
            ObjectKind::Program => Request::ProgGetFdById(attr::ProgById { prog_id: id }),
            ObjectKind::Map => Request::MapGetFdById(attr::MapById {
                map_id: id,
                ..attr::MapById::default()
            }),
            ObjectKind::Link => Request::LinkGetFdById(attr::LinkById { link_id: id }),
            ObjectKind::Btf => Request::BtfGetFdById(attr::BtfById {
                btf_id: id,
                ..attr::BtfById::default()
            }),
        }
    }

    /// The structure that tells about one.
    pub(super) fn layout(self) -> &'static InfoLayout {
        match self {
            ObjectKind::Program => &PROG_INFO,
            ObjectKind::Map => &MAP_INFO,
            ObjectKind::Link => &LINK_INFO,
            ObjectKind::Btf => &BTF_INFO,
        }
    }

    pub(super) fn of_layout(layout: &'static InfoLayout) -> Option<Self> {
        let kinds = [Self::Program, Self::Map, Self::Link, Self::Btf];
        kinds
            .into_iter()
            .find(|kind| kind.layout().name == layout.name)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ObjectKind::Program => "program",
            ObjectKind::Map => "map",
            ObjectKind::Link => "link",
            ObjectKind::Btf => "BTF object",
        })
    }
}
