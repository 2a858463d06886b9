#!/bin/sh
# "Scripts > Denoise" in the menu of GNOME's file manager: results lie beside the photos that are selected.
# Copy it, executable, to ~/.local/share/nautilus/scripts/Denoise
# (Nemo: ~/.local/share/nemo/scripts; Caja: ~/.config/caja/scripts).
# They say what is selected in a variable of their own, a path a line; photos in the trash or on a phone have no path.

selected=${NAUTILUS_SCRIPT_SELECTED_FILE_PATHS:-${NEMO_SCRIPT_SELECTED_FILE_PATHS:-$CAJA_SCRIPT_SELECTED_FILE_PATHS}}
if [ -n "$selected" ]; then
    set --
    while IFS= read -r path; do
        [ -z "$path" ] || set -- "$@" "$path"
    done <<END
$selected
END
fi
[ $# -gt 0 ] || exit 0

said=$(lgbpn denoise "$@" 2>&1)
code=$?
said=$(printf '%s\n' "$said" | tail -n 5)
if command -v notify-send >/dev/null; then
    notify-send --icon=image-x-generic "lgbpn" "$said"
else
    printf '%s\n' "$said"
fi
exit $code
