_clap_complete_NAME() {
    # bash also splits words at `=`, `:` and `@`, which names of models and
    # options hold: what no blank parts is one word again.
    local line=${COMP_LINE:0:COMP_POINT} last=-1 at piece
    local -a words=()
    for ((at = 0; at <= COMP_CWORD; at++)); do
        piece=${COMP_WORDS[at]}
        if ((at == COMP_CWORD)); then
            piece=${line#"${line%%[![:space:]]*}"}
        fi
        if ((last < 0)) || [[ $line == [[:space:]]* ]]; then
            words[++last]=$piece
        else
            words[last]+=$piece
        fi
        line=${line#*"$piece"}
    done
    # What stands before the part that readline puts a candidate in place of.
    local before=${words[last]%"$2"} space=true
    if compopt +o nospace 2> /dev/null; then
        space=false
    fi
    local IFS=$'\013'
    COMPREPLY=()
    read -r -d '' -a COMPREPLY < <(
        _CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$last" VAR=bash COMPLETER -- "${words[@]}"
        printf '\0'
    )
    local special=$'*[][:space:]"\'\\\\$`&;|<>()*?[!]*'
    for at in "${!COMPREPLY[@]}"; do
        piece=${COMPREPLY[at]#"$before"}
        if [[ $piece == $special && $2 != *[\"\'\\]* ]]; then
            printf -v piece %q "$piece"
        fi
        COMPREPLY[at]=$piece
    done
    if [[ $space == false && ${COMPREPLY-} =~ [=/:]$ ]]; then
        compopt -o nospace
    fi
}
if [[ ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 || ${BASH_VERSINFO[0]} -gt 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _clap_complete_NAME BIN
else
    complete -o nospace -o bashdefault -F _clap_complete_NAME BIN
fi
