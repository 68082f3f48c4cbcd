# picket: build, test and install. "make help" lists the targets.

VERSION    := 0.1.0
BUILD      ?= build
PREFIX     ?= /usr/local
DESTDIR    ?=
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/picket
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system

CC         ?= cc
AR         ?= ar
CLANG      ?= clang
PKG_CONFIG ?= pkg-config
OPT        ?= -O2
SANITIZE   ?=
WERROR     ?=
# V=1 shows whole command lines.
Q          := $(if $(V),,@)
SAY        := $(if $(V),@:,@echo)

# --- libraries -------------------------------------------------------------

# Lua's package has a different name on every system.
LUA      := $(firstword $(foreach p,lua5.4 lua-5.4 lua54 lua,$(if $(shell $(PKG_CONFIG) \
	--exists '$(p) >= 5.4' 2>/dev/null && echo yes),$(p))))
PKGS     := libuv jansson libcurl lmdb inih zlib libzstd libbrotlidec libpcre2-8 $(LUA)
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
LLHTTP_CFLAGS := -isystem $(LLHTTP_INC) -DLLHTTP_STRICT_MODE=1
LLHTTP_LIBS   :=
LLHTTP_OBJS   := $(patsubst %,$(BUILD)/obj/llhttp/%.o,api http llhttp)
endif

# --- flags -----------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla $(WERROR)
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SANITIZE),)
HARDEN += -D_FORTIFY_SOURCE=2
# What nobody calls goes, and so do unwind tables, which C needs for nothing
# (frame pointers and debug information stay); tables of pointers are relocated
# in packed form where linker and C library know it.
SMALL    := -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
SMALL_LD := -Wl,--gc-sections $(shell echo 'int main(void) { return 0; }' | $(CC) -x c - -pie -fPIE \
	-Wl,--fatal-warnings -Wl,-z,pack-relative-relocs -o /dev/null 2>/dev/null && \
	echo -Wl,-z,pack-relative-relocs)
endif
# Where no envelope waits for the processor: what reads settings, rules and selectors, what
# shows and steers, what few envelopes come by. Compiled for size, which is memory, too.
SMALL_OBJS := config/% ops/% hooks/% endpoint/% daemon/% cli/% client/% spool/% forward/% \
	$(addprefix process/,class_sets% defaults% hook% judge% kubernetes% note% rates% repeats% scrubbing%) \
	$(addprefix rules/,act_% actions% parse% reader% regex% ruleset%) \
	$(addprefix scrub/,attachment% builtin% bytes% conventions% deep% default_pii% derive% dialect% \
		graphql% items% minidump% otlp% piiconf% selector.% sha1% utf16%) \
	$(addprefix envelope/,divide% keymap% merge% ratelimit% report% share% splice% tally%) \
	$(addprefix base/,log% memory% rng% sockets%) llhttp/api%
opt_of = $(if $(filter $(SMALL_OBJS),$(1:$(BUILD)/obj/%=%)),$(OPT:-O2=-Os),$(OPT))

CPPFLAGS_ALL := -Isrc -Iinclude -D_GNU_SOURCE -DPICKET_VERSION='"$(VERSION)"' $(PKG_CFLAGS) \
	$(LLHTTP_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL  := -std=c11 -g -fno-omit-frame-pointer -fno-common $(WARN) $(HARDEN) \
	-ffile-prefix-map=$(CURDIR)=. $(SMALL) $(SANITIZE) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--build-id=sha1 $(SMALL_LD) $(SANITIZE) \
	$(LDFLAGS)
LIBS := $(PKG_LIBS) $(LLHTTP_LIBS) -lpthread -lm

# --- rooms -----------------------------------------------------------------
# Each room of src/ is an archive. A room may use the rooms named here and
# nothing else; "make layers" checks the includes against the same table.

ROOMS := base json envelope config rules endpoint ingest scrub hooks process spool forward ops daemon client cli
USES_base     :=
USES_json     := base
USES_envelope := json base
USES_config   := base
USES_rules    := envelope json config base
USES_endpoint := envelope json config base
USES_ingest   := endpoint envelope json config base
USES_scrub    := envelope json config base
USES_hooks    := envelope json base
USES_process  := hooks scrub rules envelope json config base
USES_spool    := envelope json config base
USES_forward  := envelope json config base
USES_ops      := envelope json config base
USES_daemon   := endpoint ingest process hooks scrub spool forward ops rules envelope json config base
USES_client   := envelope json base
USES_cli      := client process hooks scrub rules envelope json config base
# Not a room of src/: what the benchmarks of the whole daemon are linked with.
USES_system   := envelope json config base

room_src = $(filter-out src/daemon/main.c src/cli/main.c,$(wildcard src/$(1)/*.c))
room_lib = $(BUILD)/lib/$(1).a

define ROOM_RULE
$(BUILD)/lib/$(1).a: $$(patsubst src/%.c,$$(BUILD)/obj/%.o,$$(call room_src,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM_RULE,$(r))))

# Archives of a room and of all it uses, in link order.
libs_of = $(foreach r,$(1) $(USES_$(1)),$(if $(call room_src,$(r)),$(call room_lib,$(r))))

.DEFAULT_GOAL := all
.PHONY: all
all: $(BUILD)/picketd $(BUILD)/picket

$(BUILD)/picketd: $(BUILD)/obj/daemon/main.o $(call libs_of,daemon) $(LLHTTP_OBJS)
	$(SAY) "  LD    $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(LLHTTP_OBJS) $(LIBS)

$(BUILD)/picket: $(BUILD)/obj/cli/main.o $(call libs_of,cli)
	$(SAY) "  LD    $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(SAY) "  CC    $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(call opt_of,$@) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# .incbin is not seen by -MMD.
$(BUILD)/obj/ops/dashboard.o: src/ops/dashboard.html

$(BUILD)/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c Makefile
	@mkdir -p $(@D)
	$(SAY) "  CC    $@"
	$(Q)$(CC) -std=c11 $(call opt_of,$@) -g $(HARDEN) $(SANITIZE) $(LLHTTP_CFLAGS) -w -c -o $@ $<

# --- unit tests ------------------------------------------------------------
# tests/unit/ROOM/test_X.c is a program of its own, linked with what ROOM uses.

UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRCS))
CMOCKA_LIBS := -lcmocka -lbrotlienc

.SECONDEXPANSION:
unit_room = $(firstword $(subst /, ,$(1)))

$(BUILD)/unit/%: tests/unit/%.c $$(call libs_of,$$(call unit_room,$$*)) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(OPT) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS) $(CMOCKA_LIBS)

.PHONY: unit
unit: $(UNIT_BINS)
	@for t in $(UNIT_BINS); do echo "== $$t"; $$t || exit 1; done

# --- fault tests -----------------------------------------------------------


FAULT_SRCS := $(wildcard tests/fault/fault_*.c)
FAULT_BINS := $(patsubst tests/fault/%.c,$(BUILD)/fault/%,$(FAULT_SRCS))

# The spool compiled with its named fault points, which no other build has.
$(BUILD)/fault/fault_spool_%: tests/fault/fault_spool_%.c $(call room_src,spool) \
		$(filter-out %/spool.a,$(call libs_of,spool))
	@mkdir -p $(@D)
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(FAULT_FLAGS) -Itests $(OPT) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ \
		$(filter %.c,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) $(CMOCKA_LIBS)

# The whole daemon, and memory that runs out where the test says.
$(BUILD)/fault/fault_memory: tests/fault/fault_memory.c tests/flow/stage.c tests/flow/upstream.c \
		$(call libs_of,daemon) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(OPT) $(CFLAGS_ALL) $(LDFLAGS_ALL) \
		-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $(filter %.c,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS) $(CMOCKA_LIBS)

.PHONY: fault
fault: $(FAULT_BINS)
	@for t in $(FAULT_BINS); do echo "== $$t"; $$t || exit 1; done

# --- fuzzers ---------------------------------------------------------------
# tests/fuzz/ROOM/fuzz_X.c; corpora in tests/fuzz/corpus/X. Built with clang
# into a build directory of their own.

FUZZ_BUILD := $(BUILD)/fuzzing
FUZZ_SECONDS ?= 10
FUZZ_SRCS := $(wildcard tests/fuzz/*/fuzz_*.c)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))

$(BUILD)/fuzz/%: tests/fuzz/%.c $$(call libs_of,$$(call unit_room,$$*)) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(OPT) $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< \
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
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(OPT) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS) $(BENCH_LIBS)

.PHONY: bench
bench: deps-test
	$(MAKE) all $(BENCH_BINS)
	BUILD=$(BUILD) tests/bench/run.sh

# --- flows: the whole daemon on a scripted upstream and a virtual clock -------

FLOWS := $(wildcard tests/flow/*.flow)

$(BUILD)/flow/run: $(wildcard tests/flow/*.c) $(call libs_of,daemon) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(SAY) "  CCLD  $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(OPT) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.c,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LIBS)

.PHONY: flow
flow: $(BUILD)/flow/run
	$(BUILD)/flow/run $(FLOWS)

# --- checks ------------------------------------------------------------------

ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN_FLAGS := -fsanitize=thread
FAULT_FLAGS := -DPICKET_FAULTS

.PHONY: check asan tsan integration conformance
check: deps-test
	$(MAKE) all unit fault flow
	$(MAKE) asan tsan
	$(MAKE) fuzz FUZZ_SECONDS=5
	$(MAKE) integration conformance

# Everything that runs without a network peer, and the daemon itself, under
# AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	$(MAKE) BUILD=$(BUILD)/asan OPT=-O1 SANITIZE="$(ASAN_FLAGS)" CPPFLAGS="$(FAULT_FLAGS)" \
		FAULT_SRCS=tests/fault/fault_memory.c all unit flow fault

# The rooms that have threads, under ThreadSanitizer.
tsan:
	$(MAKE) BUILD=$(BUILD)/tsan OPT=-O1 SANITIZE="$(TSAN_FLAGS)" \
		UNIT_SRCS="$(wildcard tests/unit/spool/test_*.c tests/unit/forward/test_*.c tests/unit/ingest/test_*.c tests/unit/process/test_threads.c \
		tests/unit/scrub/test_shared.c)" unit flow

integration: all
	BUILD=$(BUILD) tests/integration/run.sh

# Each numbered statement of protocol, scrubbing and judgement, by black-box test or by naming, and
# running, the unit test or flow that proves it.
conformance: all $(UNIT_BINS) $(BUILD)/flow/run
	BUILD=$(BUILD) tests/conformance/run.sh

.PHONY: lint layers format
lint: deps-test
	tests/tools/lint.sh "$(CLANG)" "$(CPPFLAGS_ALL)"
	$(MAKE) BUILD=$(BUILD)/lint-gcc CC=gcc WERROR=-Werror all $(patsubst $(BUILD)/%,$(BUILD)/lint-gcc/%,$(UNIT_BINS))
	$(MAKE) BUILD=$(BUILD)/lint-clang CC=$(CLANG) WERROR=-Werror all $(patsubst $(BUILD)/%,$(BUILD)/lint-clang/%,$(UNIT_BINS))

layers:
	@tests/tools/layers.sh $(foreach r,$(ROOMS),"$(r): $(r) $(USES_$(r))")

format:
	clang-format -i $(shell find src tests -name '*.[ch]')

# --- what the machine needs --------------------------------------------------

APT_BUILD := gcc libc6-dev make pkg-config libuv1-dev libjansson-dev libcurl4-openssl-dev \
	liblmdb-dev libinih-dev zlib1g-dev libzstd-dev libbrotli-dev libpcre2-dev liblua5.4-dev \
	$(if $(HAVE_LLHTTP),,node-llhttp)
APT_TEST := libcmocka-dev libsqlite3-dev libssl-dev clang clang-format clang-tidy cppcheck \
	mandoc ca-certificates procps curl socat \
	$(shell command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3 python3-venv) \
	$(shell command -v npm >/dev/null || echo nodejs npm) \
	$(shell command -v go >/dev/null || echo golang-go) \
	$(shell command -v cargo >/dev/null || echo cargo) \
	$(shell command -v javac >/dev/null || echo default-jdk-headless) \
	$(shell command -v mvn >/dev/null || echo maven) \
	chromium ruby ruby-sentry-ruby-core ruby-sentry-raven

# $(call apt,PACKAGES): installs those that are missing, as root or through sudo.
define apt
	@missing=""; for p in $(1); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
		root=""; [ "$$(id -u)" = 0 ] || root=sudo; \
		echo "installing:$$missing"; \
		$$root apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

.PHONY: deps deps-test
deps:
	$(call apt,$(APT_BUILD))

deps-test: deps
	$(call apt,$(APT_TEST))
	$(call apt,libclang-rt-$$($(CLANG) -dumpversion | cut -d. -f1)-dev)

# --- use ---------------------------------------------------------------------

.PHONY: run
run: deps
	$(MAKE) all
	BUILD=$(BUILD) conf/quickstart.sh

.PHONY: install uninstall
install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 \
		$(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(SYSCONFDIR)/picket/conf.d
	install -m 755 $(BUILD)/picketd $(DESTDIR)$(SBINDIR)/picketd
	install -m 755 $(BUILD)/picket $(DESTDIR)$(BINDIR)/picket
	install -m 644 man/picket.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 man/picket.conf.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 man/picket-rules.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 man/picketd.8 $(DESTDIR)$(MANDIR)/man8/
	cd examples && find . -type f -exec install -D -m 644 {} $(abspath $(DESTDIR)/$(DOCDIR))/examples/{} \;
	for u in picketd.service picketd.socket picketd-control.socket; do \
		sed 's|@SBINDIR@|$(SBINDIR)|g; s|@BINDIR@|$(BINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' systemd/$$u \
			> $(DESTDIR)$(UNITDIR)/$$u && chmod 644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	[ -e $(DESTDIR)$(SYSCONFDIR)/picket/picket.conf ] || \
		install -m 644 conf/picket.conf $(DESTDIR)$(SYSCONFDIR)/picket/picket.conf

# Settings and spool are left alone.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/picketd $(DESTDIR)$(BINDIR)/picket \
		$(DESTDIR)$(MANDIR)/man1/picket.1 $(DESTDIR)$(MANDIR)/man5/picket.conf.5 \
		$(DESTDIR)$(MANDIR)/man5/picket-rules.5 $(DESTDIR)$(MANDIR)/man8/picketd.8 \
		$(DESTDIR)$(UNITDIR)/picketd.service $(DESTDIR)$(UNITDIR)/picketd.socket \
		$(DESTDIR)$(UNITDIR)/picketd-control.socket
	rm -rf $(DESTDIR)$(DOCDIR)/examples

.PHONY: help
help:
	@echo "make run        install what is missing, build, start picketd, send one event, show it"
	@echo "make check      install what tests need, build, run every test"
	@echo "make all        build picketd and picket into $(BUILD)/"
	@echo "make deps       install what building needs (apt, as root or through sudo)"
	@echo "make unit       unit tests          make flow         the daemon on a virtual clock"
	@echo "make asan       both, sanitized     make tsan         the threaded ones, sanitized"
	@echo "make fuzz       every fuzzer for FUZZ_SECONDS each (default 10)"
	@echo "make integration  the built daemon against a strict fake Sentry and real SDKs"
	@echo "make conformance  a test for each numbered statement of protocol, scrubbing and judgement"
	@echo "make bench      benchmarks, as ratios to a baseline in the same run"
	@echo "make lint       compilers at -Werror, clang-format, clang-tidy, cppcheck, mandoc"
	@echo "make layers     no room includes what it must not"
	@echo "make format     format the sources"
	@echo "make install    into DESTDIR and PREFIX (default /usr/local); make uninstall"
	@echo "make clean      remove $(BUILD)/"

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/unit -name '*.d' 2>/dev/null)
