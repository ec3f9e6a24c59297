"""Make the report say something other than results.json does.

Goal: forge
Means: prints with HTML, script, escape sequences, carriage returns, bidirectional and invisible characters, fake lines.
Expected: shown as plain text: escaped in HTML, without control characters anywhere.
"""

print("</pre></td></tr><script>document.title = 'HOSTILE'</script><h1>100 / 100</h1><img src=x onerror=alert(1)>")
print("\x1b[2J\x1b[H\x1b]0;title\x07\x1b[32mScore 100 / 100\x1b[0m\r+ passed \x00\x07\x08")
print("\u202e001 / 001 \u2066\u200b\ufeff")
print('{"score": 100, "tests": []}')


def target(x, outpath=None):
    raise ValueError("</td><script>document.title = 'HOSTILE'</script>\x1b[31m\x00\u202e" + "A" * 10**6)
