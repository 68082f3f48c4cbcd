# picket: build, test and install. "make help" lists the targets.

VERSION    := 0.1.0
BUILD      ?= build
PREFIX     ?= /usr/local
DESTDIR    ?=
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system

CC         ?= cc
AR         ?= ar
CLANG      ?= clang
PKG_CONFIG ?= pkg-config
OPT        ?= -O2
SANITIZE   ?=
WERROR     ?=

# --- libraries -------------------------------------------------------------

PKGS     := libuv jansson libcurl lmdb inih zlib libzstd libbrotlidec
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)

# A system libllhttp where there is one; else the sources that Debian's
# node-llhttp package installs, compiled as they are.
HAVE_LLHTTP := $(shell $(PKG_CONFIG) --exists libllhttp 2>/dev/null && echo yes)
LLHTTP_DIR  ?= /usr/share/llhttp
LLHTTP_INC  ?= /usr/share/include/llhttp
ifeq ($(HAVE_LLHTTP),yes)
LLHTTP_CFLAGS := $(shell $(PKG_CONFIG) --cflags libllhttp)
LLHTTP_LIBS   := $(shell $(PKG_CONFIG) --libs libllhttp)
LLHTTP_OBJS   :=
else
LLHTTP_CFLAGS := -isystem $(LLHTTP_INC)
LLHTTP_LIBS   :=
LLHTTP_OBJS   := $(patsubst %,$(BUILD)/obj/llhttp/%.o,api http llhttp)
endif

# --- flags -----------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla $(WERROR)
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SANITIZE),)
HARDEN += -D_FORTIFY_SOURCE=2
endif
CPPFLAGS_ALL := -Isrc -Iinclude -D_GNU_SOURCE -DPICKET_VERSION='"$(VERSION)"' $(PKG_CFLAGS) \
	$(LLHTTP_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL  := -std=c11 $(OPT) -g -fno-omit-frame-pointer -fno-common $(WARN) $(HARDEN) \
	-ffile-prefix-map=$(CURDIR)=. $(SANITIZE) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--build-id=sha1 $(SANITIZE) $(LDFLAGS)
LIBS := $(PKG_LIBS) $(LLHTTP_LIBS) -lpthread -lm

# --- rooms -----------------------------------------------------------------
# Each room of src/ is an archive. A room may use the rooms named here and
# nothing else; "make layers" checks the includes against the same table.

ROOMS := base json envelope config ingest process spool forward ops daemon client cli
USES_base     :=
USES_json     := base
USES_envelope := json base
USES_config   := base
USES_ingest   := envelope json config base
USES_process  := envelope json config base
USES_spool    := envelope json config base
USES_forward  := envelope json config base
USES_ops      := envelope json config base
USES_daemon   := ingest process spool forward ops envelope json config base
USES_client   := envelope json base
USES_cli      := client envelope json config base

room_src = $(filter-out src/daemon/main.c src/cli/main.c,$(wildcard src/$(1)/*.c))
room_lib = $(BUILD)/lib/$(1).a

define ROOM_RULE
$(BUILD)/lib/$(1).a: $$(patsubst src/%.c,$$(BUILD)/obj/%.o,$$(call room_src,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM_RULE,$(r))))

# Archives of a room and of all it uses, in link order.
libs_of = $(foreach r,$(1) $(USES_$(1)),$(if $(call room_src,$(r)),$(call room_lib,$(r))))

.PHONY: all
all: $(BUILD)/picketd $(BUILD)/picket

$(BUILD)/picketd: $(BUILD)/obj/daemon/main.o $(call libs_of,daemon) $(LLHTTP_OBJS)
	$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(LLHTTP_OBJS) $(LIBS)

$(BUILD)/picket: $(BUILD)/obj/cli/main.o $(call libs_of,cli)
	$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(OPT) -g $(HARDEN) $(SANITIZE) $(LLHTTP_CFLAGS) -w -c -o $@ $<

# --- unit tests ------------------------------------------------------------
# tests/unit/ROOM/test_X.c is a program of its own, linked with what ROOM uses.

UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRCS))
CMOCKA_LIBS := -lcmocka

.SECONDEXPANSION:
unit_room = $(firstword $(subst /, ,$(1)))

$(BUILD)/unit/%: tests/unit/%.c $$(call libs_of,$$(call unit_room,$$*)) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS) $(CMOCKA_LIBS)

.PHONY: unit
unit: $(UNIT_BINS)
	@for t in $(UNIT_BINS); do echo "== $$t"; $$t || exit 1; done

# --- fuzzers ---------------------------------------------------------------
# tests/fuzz/ROOM/fuzz_X.c; corpora in tests/fuzz/corpus/X. Built with clang
# into a build directory of their own.

FUZZ_BUILD := $(BUILD)/fuzzing
FUZZ_SECONDS ?= 10
FUZZ_SRCS := $(wildcard tests/fuzz/*/fuzz_*.c)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))

$(BUILD)/fuzz/%: tests/fuzz/%.c $$(call libs_of,$$(call unit_room,$$*)) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS)

.PHONY: fuzz fuzz-bins
fuzz-bins: $(FUZZ_BINS)
fuzz:
	$(MAKE) BUILD=$(FUZZ_BUILD) CC=$(CLANG) OPT=-O1 \
		SANITIZE="-fsanitize=address,undefined -fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined" fuzz-bins
	tests/fuzz/run.sh $(FUZZ_BUILD)/fuzz $(FUZZ_SECONDS)

# --- benchmarks ------------------------------------------------------------

BENCH_SRCS := $(wildcard tests/bench/*/bench_*.c)
BENCH_BINS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRCS))
BENCH_LIBS := -lsqlite3 -lssl -lcrypto

$(BUILD)/bench/%: tests/bench/%.c $$(call libs_of,$$(call unit_room,$$*)) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS) $(BENCH_LIBS)

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/unit -name '*.d' 2>/dev/null)
