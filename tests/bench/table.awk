# Lines of figures to an aligned table, which is also one in Markdown.
# target=T is met by at least T, target<=T by at most T.

function put(row, column, text)
{
	cell[row, column] = text
	if (length(text) > width[column])
		width[column] = length(text)
}

BEGIN {
	split("figure measured target verdict details", head, " ")
	for (i = 1; i <= 5; i++)
		put(0, i, head[i])
	rows = 0
}

/^[a-z_]+\.[a-z0-9_]+ / {
	name = $1
	measured = ""; ratio = ""; value = ""; target = ""; sign = ""; details = ""
	for (i = 2; i <= NF; i++) {
		if ($i ~ /^target(<=|>=|=)/) {
			sign = ($i ~ /^target<=/) ? "<=" : ">="
			target = $i
			sub(/^target[<>]?=/, "", target)
		} else if ($i ~ /^value=/) {
			value = substr($i, 7)
		} else if ($i ~ /^ratio=/) {
			ratio = substr($i, 7)
		} else if ($i ~ /=/) {
			details = details (details == "" ? "" : ", ") $i
		} else if (value == "" && ratio == "" && $i ~ /^[0-9.]+$/) {
			value = $i
		} else {
			name = name " " $i
		}
	}
	measured = value != "" ? value : "x " ratio
	if (value != "" && ratio != "")
		details = "ratio=" ratio (details == "" ? "" : ", ") details
	figure = value != "" ? value : ratio
	verdict = ""
	if (target != "")
		verdict = (sign == "<=" ? figure + 0 <= target + 0 : figure + 0 >= target + 0) ? "pass" : "MISS"
	rows++
	put(rows, 1, name)
	put(rows, 2, measured)
	put(rows, 3, target == "" ? "" : sign " " target)
	put(rows, 4, verdict)
	put(rows, 5, details)
}

END {
	for (r = 0; r <= rows; r++) {
		line = "|"
		for (c = 1; c <= 5; c++)
			line = line sprintf(" %-*s |", width[c], cell[r, c])
		print line
		if (r == 0) {
			line = "|"
			for (c = 1; c <= 5; c++) {
				dashes = sprintf("%*s", width[c] + 2, "")
				gsub(/ /, "-", dashes)
				line = line dashes "|"
			}
			print line
		}
	}
}
