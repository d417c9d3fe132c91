// SPDX-License-Identifier: MIT OR Apache-2.0
/* Functions in sections of their own with mangled names, as Rust compilers emit them. */
#include "common.h"

__attribute__((noinline, section(".text._ZN4demo3add17h0123456789abcdefE")))
int add(int a) __asm__("_ZN4demo3add17h0123456789abcdefE");
int add(int a) { asm volatile("%0 += 1" : "+r"(a)); return a; }

__attribute__((noinline, section(".text._ZN4demo5twice17hfedcba9876543210E")))
static int twice(int a) __asm__("_ZN4demo5twice17hfedcba9876543210E");
static int twice(int a) { return add(add(a)); }

SEC("xdp") int demo(struct xdp_md *ctx) { return twice(ctx->ingress_ifindex); }
LICENSE;
