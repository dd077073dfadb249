# Builds the layer for `sam build`, with byte code, which Lambda cannot write: see docs/cold-start.md.
# SAM takes the Makefile in the folder of the function's processor, runs it here, and names ARTIFACTS_DIR.
PACKAGES := $(ARTIFACTS_DIR)/python

.PHONY: build-DependenciesLayer
build-DependenciesLayer:
	python3.13 -m pip install --quiet --disable-pip-version-check --target "$(PACKAGES)" --no-compile --no-deps \
		--require-hashes --only-binary :all: --implementation cp --python-version 3.13 \
		--platform manylinux2014_$(PLATFORM) --platform manylinux_2_17_$(PLATFORM) \
		--platform manylinux_2_28_$(PLATFORM) --platform manylinux_2_34_$(PLATFORM) --requirement requirements.txt
	# Commands, which nobody runs there, name this machine's Python, and lists of files hold their hashes.
	rm -rf "$(PACKAGES)/bin" "$(PACKAGES)"/*.dist-info/RECORD
	PYTHONHASHSEED=0 python3.13 -m compileall -q --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p /opt "$(PACKAGES)"
