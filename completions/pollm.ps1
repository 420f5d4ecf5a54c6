$env:COMPLETE = "powershell"; pollm | Out-String | Invoke-Expression; Remove-Item Env:\COMPLETE
